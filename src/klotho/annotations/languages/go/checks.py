"""What of a module can't be built as a unit, told before anything is: a missing go.mod, modules that are folders, code
of C."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any

from klotho.annotations.languages.go.modules import GoFile
from klotho.annotations.languages.go.packages import MANIFEST, Packages
from klotho.annotations.model import Text
from klotho.annotations.reading import CodeBase

_REPLACED = re.compile(rb"^[ \t]*(?:replace[ \t]+)?(\S+)(?:[ \t]+v\S+)?[ \t]+=>[ \t]+(\.{0,2}/\S*)", re.MULTILINE)


def check_module(code: CodeBase, packages: Packages) -> None:
    if not packages.name:
        message = f"there is no {MANIFEST} above the program, or it names no module"
        helps = ("write one: `go mod init example.com/NAME`",)
        span = next((item.span for _, item in _annotations(code)), None)
        code.report.error("annotation-unit", message, span, helps=helps)
        return
    for source in code.annotated.values():
        other = packages.other_module(source.path) if source.path.endswith(".go") else None
        if other is not None:
            message = f"`{source.path}` is of another module, that of `{other}`"
            notes = ("the units of an application are programs of one module of Go",)
            helps = (f"compile it by itself: `klotho compile {posixpath.dirname(other)}`",)
            code.report.error("annotation-unit", message, source.annotations[0].span, notes=notes, helps=helps)
    path = packages.base + MANIFEST
    if (code.root / packages.base / "vendor").is_dir():
        return  # it has what they are replaced by
    text = Text(path, code.content(path))
    for found in _REPLACED.finditer(text.content):
        module, folder = (found[group].decode("utf-8", "replace") for group in (1, 2))
        message = f"`{module}` is replaced by a folder (`{folder}`), which is not supported yet"
        helps = ("write `go mod vendor`: what is in `vendor` belongs to each unit",)
        code.report.error("annotation-not-yet", message, text.span(*found.span(1)), helps=helps)


def check_files(code: CodeBase, files: Iterable[GoFile]) -> None:
    for file in files:
        for item in file.imports:
            if item.path == "C":
                message = 'code of C (`import "C"`) is not supported yet: units are built without cgo'
                span = file.source.text.span(item.start, item.end)
                code.report.error("annotation-not-yet", message, span)


def _annotations(code: CodeBase) -> Iterable[tuple[Any, Any]]:
    for capability in ("expose", "execution_unit"):
        yield from (pair for pair in code.all(capability) if pair[0].path.endswith(".go"))
