"""`klotho explain [TOPIC]`: why something of the program is there; the page of a construct or of a diagnostic code.

A code and a kind written whole need no program. Everything else is looked for in the program first: a construct named
`postgres` is meant rather than its kind.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console
from klotho.cli.explain_page import Depth, explain_page
from klotho.cli.options import PROGRAM
from klotho.diagnostics import ExitCode, Failure, ProgramError, did_you_mean
from klotho.diagnostics.codes import PAGES
from klotho.diagnostics.codes.page import Page
from klotho.driver.construct_page import ConstructPage, ParameterLine, construct_page, kinds
from klotho.driver.explaining import explained, explainer_of

if TYPE_CHECKING:
    from klotho.explain import Explanation


def run(
    topic: str | None,
    path: Path = PROGRAM,
    env: str | None = None,
    depth: Depth = "default",
    as_json: bool = False,
) -> None:
    console = Console(as_json)
    if topic is None:
        _list(console)
    elif (page := _page(topic)) is not None:
        _show_page(page, console)
    elif topic in kinds():
        _show_construct(_construct(topic), console)
    else:
        _explain(topic, path, env, depth, console)


def _explain(topic: str, path: Path, env: str | None, depth: Depth, console: Console) -> None:
    """What the program has, else a kind in other words."""
    kind = construct_page(topic)
    try:
        explainer = explainer_of(program_at(path, "klotho explain --program"), env)
    except (ProgramError, Failure) as error:
        if kind is not None:
            _show_construct(kind, console)
            return
        if isinstance(error, Failure) and error.diagnostic.code == "program-missing" and path == PROGRAM:
            raise _unknown(topic, [], "there is no `infra.py` here, whose resources could be explained") from error
        raise
    found = explained(explainer, topic)
    if found is None and kind is None:
        raise _unknown(topic, explainer.near(topic), "")
    if found is None:
        _show_construct(_construct(topic), console)
    elif console.as_json:
        console.json({"ok": True, **found.to_json()})
    else:
        _show(found, depth, console)
        if kind is not None:
            console.note(f"`klotho explain {kind.kind}` tells what its kind can do")


def _show(found: Explanation, depth: Depth, console: Console) -> None:
    title, *rest = explain_page(found, depth)
    console.out(console.paint_out(title, "bold"))
    for line in rest:
        plain = line and not line.startswith(" ")
        console.out(console.paint_out(line, "cyan") if plain else line)


def _construct(kind: str) -> ConstructPage:
    page = construct_page(kind)
    assert page is not None, kind
    return page


def _show_page(page: Page, console: Console) -> None:
    if console.as_json:
        console.json({"ok": True, **page._asdict()})
        return
    console.out(console.paint_out(page.code, "bold"))
    for title, text in (("what", page.what), ("why", page.why), ("fix", page.fix)):
        console.out(f"\n{console.paint_out(title, 'cyan')}: {text}")
    if page.example:
        console.out(f"\n{console.paint_out('example', 'cyan')}: this program gives it")
        console.out("\n" + "\n".join(f"    {line}".rstrip() for line in page.example.rstrip("\n").split("\n")))


def _list(console: Console) -> None:
    if console.as_json:
        codes = {code: page.what for code, page in sorted(PAGES.items())}
        console.json({"ok": True, "constructs": kinds(), "codes": codes})
        return
    abouts = [(kind, page.about) for kind in kinds() if (page := construct_page(kind))]
    console.table([*abouts, *((code, page.what) for code, page in sorted(PAGES.items()))])
    console.note("`klotho explain NAME` tells more about one")


def _show_construct(page: ConstructPage, console: Console) -> None:
    if console.as_json:
        console.json({"ok": True, **asdict(page)})
        return
    console.out(console.paint_out(page.kind, "bold"))
    console.out(page.about)
    sections = (
        ("parameters", [_parameter(item) for item in page.parameters]),
        ("told of an existing one, as Existing(…)", list(page.existing)),
        ("outputs", list(page.outputs)),
    )
    for title, rows in sections:
        if rows:
            console.out(f"\n{console.paint_out(title, 'cyan')}")
            console.table([("  " + row[0], *row[1:]) for row in rows])
    if page.verbs:
        console.out(f"\n{console.paint_out('verbs', 'cyan')}")
        for verb in page.verbs:
            console.out(f"  {verb.sentence}")
            console.out(fill(verb.creates, 110, initial_indent="      ", subsequent_indent="      "))
            console.out(fill(f"in transit: {verb.transit}", 110, initial_indent="      ", subsequent_indent="      "))
    console.out(f"\nmade as: {', '.join(page.implementations)}")


def _parameter(item: ParameterLine) -> tuple[str, str, str, str]:
    unit = f", {item.unit}" if item.unit else ""
    default = "required" if item.required else f"default {item.default}" if item.default is not None else ""
    return item.name, f"{item.type}{unit}", default, item.about


def _page(text: str) -> Page | None:
    """The page of a code, written bare or as a diagnostic shows it: `error[CODE]`."""
    shown = re.fullmatch(r"\w+\[(.*)\]:?", text)
    code = shown[1] if shown else text
    if shown and code not in PAGES:
        raise _unknown(code, [], "")
    return PAGES.get(code)


def _unknown(topic: str, near: list[str], note: str) -> Failure:
    known = [*near, *PAGES, *kinds(), *(kind.rpartition(".")[2] for kind in kinds())]
    return Failure(
        "code-unknown",
        f"there is no resource, no construct and no diagnostic code `{topic}`",
        notes=(note,) if note else (),
        helps=(did_you_mean(topic, known), "run `klotho explain` for all constructs and codes"),
        exit_code=ExitCode.NOT_FOUND,
    )
