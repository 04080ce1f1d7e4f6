"""Pages of what can be wrong with annotated code."""

from __future__ import annotations

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "annotation-unknown",
        "A comment says `@klotho::…` with a name that is no capability.",
        "A slip here would leave out what the annotation asks for without a word.",
        "Write one of the names in the help line.",
    ),
    Page(
        "annotation-syntax",
        "The body of an annotation is no TOML, or its closing brace is missing.",
        "What it says can't be read; the other annotations were.",
        'Write one directive a line: `id = "pets"`. Texts are in quotes.',
    ),
    Page(
        "annotation-directive",
        "An annotation has a directive that its capability does not have, or with a value of the wrong kind.",
        "It would have no effect.",
        "Write one of the names in the help line.",
    ),
    Page(
        "annotation-id",
        "An annotation lacks its id, or has one that breaks the rules.",
        "Ids become names of resources.",
        "At most 25 letters, digits, `_`, `-`, `.`, `:` and `/`, starting with a letter.",
    ),
    Page(
        "annotation-duplicate",
        "Two annotations of one capability have the same id.",
        "They would share a table or an address without meaning to.",
        "Give one of them another id.",
    ),
    Page(
        "annotation-detached",
        "An annotation stands on no statement: at the end of a block or file, or behind code on its line.",
        "It is about the statement below it.",
        "Put the comment on the line above the statement.",
    ),
    Page(
        "annotation-without-effect",
        "Nothing came of an annotation: its statement has no shape that its capability knows.",
        "It would be deployed as if the comment were not there.",
        "Write the statement in one of the shapes the note names, or remove the comment.",
    ),
    Page(
        "annotation-not-yet",
        "An annotation asks for something that this version does not compile.",
        "It is refused rather than left out.",
        "docs/annotations.md lists what is supported; an infra.py can describe the same today.",
    ),
    Page(
        "annotation-unknown-id",
        "An infra.py speaks of a unit, API or store that the annotated code beside it does not make.",
        "What is said of it would have no effect.",
        "Write an id of an annotation, or `main` for the unit of all the rest.",
    ),
    Page(
        "annotation-unit",
        "A file belongs to two execution units, a unit has no file to start with, or an import leads to no file.",
        "A unit is a program: it needs one owner for each file, an entry and everything it imports.",
        "Annotate the file the unit starts with, or name it as `main` in package.json.",
    ),
    Page(
        "annotation-package",
        "An annotation needs a package that no manifest of the application names, such as the driver of a database.",
        "It is added to requirements.txt of a unit; pyproject.toml and lock files are yours and stay as they are.",
        "Add it to the dependencies, and lock again.",
    ),
    Page(
        "annotation-files",
        "An annotation names files, and none is there, or not those that it may have.",
        "A static unit without pages would be deployed empty, and one with code would publish it.",
        'Write patterns relative to the annotated file, `static_files = ["public/**"]`, or with `/` to the top folder.',
    ),
    Page(
        "annotation-call",
        "Code of one execution unit uses something of another one that can't be called from outside.",
        "Between units only exported async functions can be called, in Go those with a context and an error: a call "
        "becomes a message and an answer.",
        "Make it an exported `async function` and await it (Go: a context first, an error last), or use one unit.",
    ),
    Page(
        "annotation-router",
        "A router of another execution unit is mounted in a way that leaves open which requests are its own.",
        "That unit serves the router's routes, and the API tells requests apart by their path alone.",
        "Mount it with a prefix of its own that is written where it is mounted, or put both files into one unit.",
    ),
    Page(
        "annotation-await",
        "An operation of a persisted Map is not awaited.",
        "Here it answers at once, deployed it answers with a promise: a condition on it is always true.",
        "Write `await` before it; a Map of this machine takes that, too.",
    ),
    Page(
        "annotation-mutation",
        "A value that was read from a persisted Map is changed in place and not put back.",
        "A Map of this machine holds the object itself, a table holds a copy: the change would be lost.",
        "Put it back: `await pets.set(id, pet)`.",
    ),
    Page(
        "source-syntax",
        "A source file has something that its language's parser does not understand.",
        "The rest of the file is compiled all the same, but what is in that place may be missed. It is an error where "
        "it is the statement of C# that an annotation stands on.",
        "Correct it, or leave it if the program runs.",
    ),
    Page(
        "program-not-annotated",
        "`klotho compile` or `klotho verify` was run where an infra.py describes the application.",
        "They are about annotated code; where there is an infra.py, it says whether that is part of the application.",
        "Write `klotho.Annotated()` into infra.py, run `klotho build`, or name the folder with the annotated code.",
    ),
    Page(
        "requests-unreadable",
        "The file with the requests to compare is not there, or holds no list of requests.",
        "`klotho verify` sends them to the original and to the compiled application.",
        'Write a JSON list such as `[{"method": "GET", "path": "/"}]` into requests.json.',
    ),
    Page(
        "verify-original",
        "The original application could not be started, or does not listen on `$PORT`.",
        "Its answers are what the compiled application is compared with.",
        "See that it starts without Klotho: `npm install` and `PORT=4000 node .`; C# is built with `dotnet`.",
    ),
    Page(
        "requests-exist",
        "`klotho verify --record` would write over a file that is there.",
        "What was recorded or written earlier would be lost.",
        "Name another file with `--requests FILE`, or move the old one away.",
    ),
    Page(
        "verify-unanswered",
        "A request was not answered at all.",
        "There is nothing to compare.",
        "See `klotho logs`, and what the original printed.",
    ),
    Page(
        "verify-no-api",
        "Not exactly one API of the application is up.",
        "The requests go to one address.",
        "Expose one application.",
    ),
    Page(
        "verify-differs",
        "The compiled application answered something else than the original.",
        "Compiled code must behave as the code it was made from.",
        "Look at the differences. Start from empty data (`klotho down --delete-data NAME`): the original has none.",
    ),
)
