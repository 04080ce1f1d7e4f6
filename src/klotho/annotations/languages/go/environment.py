"""Variables of the environment that hold a secret, or a value of a database or cache: `config` with `secret = true`,
and `[environment_variables]` of `persist`.

Nothing is rewritten. `klotho_unit` sets them when it is initialised, and Go initialises a package after those that it
imports: a file that names such a variable imports `klotho_unit`, so that also what stands at its top finds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from klotho.annotations.findings import Edit, Resource
from klotho.annotations.languages.go.modules import GoFile, arguments_of, called, nodes_of, string_of
from klotho.annotations.languages.go.starting import Part
from klotho.annotations.languages.go.unit_files import imports_unit
from klotho.annotations.model import Source
from klotho.annotations.reading import CodeBase
from klotho.annotations.secret_variables import secret_variables
from klotho.annotations.variables import variable_resources

SHAPES = 'a statement that reads one variable, such as `key := os.Getenv("API_KEY")`'
_READ = {("os", "Getenv"), ("os", "LookupEnv"), ("syscall", "Getenv")}


def configured(code: CodeBase, annotated: Iterable[GoFile], parts: Iterable[Part]) -> Iterator[Resource]:
    """The secrets among the variables that a unit reads. `annotated`: files of the code base with `config`."""
    every = [Part(file) for file in annotated]
    yield from secret_variables(every, parts, variables_of, (), code.report)


def variables_of(part: Part, roots: object) -> set[str]:
    """The variables that a part of a file reads by name."""
    found = set()
    for root in roots if isinstance(roots, tuple) else (roots,):
        for call in nodes_of(root, ("call_expression",)):
            before, name = called(call)
            if before and (part.file.imported(before), name) in _READ:
                found |= {text for item in arguments_of(call)[:1] if (text := string_of(item))}
    return found


def databases(code: CodeBase, parts: Iterable[Part]) -> Iterator[Resource]:
    """What annotations with `[environment_variables]` ask for."""
    yield from variable_resources([_running(part) for part in parts], (), code.report)


def _running(part: Part) -> Source:
    """The file with the annotations alone whose statements run."""
    kept = part.of("persist")
    annotations = tuple(annotation for annotation, _ in kept)
    return replace(part.source, annotations=annotations, targets={at: node for at, (_, node) in enumerate(kept)})


def readers(files: Iterable[GoFile], variables: Iterable[str], module: str) -> Iterator[Edit]:
    """The imports by which files that name a variable come after what sets it."""
    names = sorted(variables)
    if not names:
        return
    named = re.compile(rb"\b(?:" + b"|".join(re.escape(name).encode() for name in names) + rb")\b")
    for file in files:
        if named.search(file.source.text.content):
            yield imports_unit(file, module, "_")
