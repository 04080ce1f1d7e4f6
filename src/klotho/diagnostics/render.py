"""Diagnostics as text (in the manner of rustc) and as JSON.

Reads the files the spans name, so that the user sees their own line; a file that is gone is shown without a snippet.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from klotho.diagnostics.diagnostic import Diagnostic, Label, Severity

_COLOURS = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.INFO: "\x1b[1;36m"}
_BLUE, _BOLD, _RESET = "\x1b[1;34m", "\x1b[1m", "\x1b[0m"


def render_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [item.to_json() for item in diagnostics]


def render_text(diagnostics: Iterable[Diagnostic], root: Path, colour: bool = False) -> str:
    """One block a diagnostic, blank lines between; paths are resolved against `root` to show the lines."""
    return "\n\n".join(_block(item, root, colour) for item in diagnostics)


def _block(item: Diagnostic, root: Path, colour: bool) -> str:
    paint = _painter(colour)
    lines = [paint(f"{item.severity}[{item.code}]", _COLOURS[item.severity]) + paint(f": {item.message}", _BOLD)]
    width = max((len(str(label.span.line)) for label in item.labels), default=1)
    previous: str | None = None
    for label in item.labels:
        arrow = "-->" if previous is None else ":::"
        if label.span.file != previous:
            lines.append(f"{' ' * width}{paint(arrow, _BLUE)} {label.span.file}:{label.span.line}:{label.span.column}")
        lines += _snippet(label, root, width, paint, label is item.labels[0], _COLOURS[item.severity])
        previous = label.span.file
    gutter = " " * width
    lines += [f"{gutter} {paint('=', _BLUE)} note: {note}" for note in item.notes]
    lines += [f"{gutter} {paint('=', _BLUE)} help: {text}" for text in item.helps]
    return "\n".join(lines)


def _painter(colour: bool) -> Any:
    return (lambda text, code: f"{code}{text}{_RESET}") if colour else (lambda text, code: text)


def _snippet(label: Label, root: Path, width: int, paint: Any, primary: bool, accent: str) -> list[str]:
    source = _line(root / label.span.file, label.span.line)
    if source is None:
        return [f"{' ' * width} {paint('|', _BLUE)} {label.text}"] if label.text else []
    start = max(label.span.column, 1)
    same_line = label.span.end_line in (None, label.span.line)
    end = label.span.end_column if same_line and label.span.end_column else len(source.rstrip()) + 1
    marks = ("^" if primary else "-") * max(end - start, 1)
    text = f" {label.text}" if label.text else ""
    bar = paint("|", _BLUE)
    return [
        f"{paint(str(label.span.line).rjust(width), _BLUE)} {bar} {source.rstrip()}",
        f"{' ' * width} {bar} {' ' * (start - 1)}{paint(marks + text, accent if primary else _BLUE)}",
    ]


def _line(path: Path, number: int) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return lines[number - 1].replace("\t", " ") if 0 < number <= len(lines) else None
