"""Where text goes: data to stdout, everything else to stderr, and nothing but JSON on stdout under `--json`.

Input: values to show. Output: text on the two streams. Refuses nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from klotho.cli import asked_for
from klotho.cli.streams import write_data, write_note
from klotho.diagnostics import Diagnostic, render_json, render_text
from klotho.driver.machine import colour_wanted

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


class Console:
    """The two streams of one command."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.colour = colour_wanted(sys.stderr)
        self._stdout_colour = colour_wanted(sys.stdout)

    @property
    def interactive(self) -> bool:
        """Whether a person sits in front of it: live progress and questions make sense."""
        return self.colour and sys.stdin.isatty() and not self.as_json

    def out(self, text: str) -> None:
        """A line of data."""
        write_data(f"{text}\n")

    def note(self, text: str = "") -> None:
        """A line for the person watching; when nobody reads it the command goes on."""
        write_note(f"{asked_for.there(text)}\n")

    def json(self, data: Mapping[str, Any]) -> None:
        import orjson

        self.out(orjson.dumps(data, option=orjson.OPT_INDENT_2, default=str).decode())

    def json_line(self, data: Mapping[str, Any]) -> None:
        """One of many objects, a line each."""
        import orjson

        self.out(orjson.dumps(data, default=str).decode())

    def paint(self, text: str, style: str) -> str:
        """Text for stderr."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour else text

    def paint_out(self, text: str, style: str) -> str:
        """Text for stdout."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._stdout_colour else text

    def diagnostics(self, items: Sequence[Diagnostic], root: Path | None = None) -> None:
        if items:
            found = [asked_for.advice(item) for item in items]
            write_note(f"{render_text(found, root or Path.cwd(), self.colour)}\n")

    def failed(self, items: Sequence[Diagnostic], root: Path | None = None, **data: Any) -> None:
        """The end of a command that did not work."""
        if self.as_json:
            found = [asked_for.advice(item) for item in items]
            self.json({"ok": False, "diagnostics": render_json(found), **data})
        else:
            self.diagnostics(items, root or _root)

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Columns on stdout, as wide as they need to be."""
        known = [tuple(row) for row in rows]
        widths = [max(map(len, column)) for column in zip(*known, strict=True)] if known else []
        for row in known:
            self.out("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def counted(number: int, noun: str) -> str:
    """`1 stack`, `2 stacks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_root: Path | None = None


def show_paths_from(folder: Path) -> None:
    """Spans are relative to the program's folder: commands say which one as soon as they know it."""
    global _root
    _root = folder
