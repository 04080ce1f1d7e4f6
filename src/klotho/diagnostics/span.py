"""A place in a file the user wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Lines and columns count from 1; the end column is the one after the last character."""

    file: str
    """As the user would write it: relative to the program's folder where that is possible."""
    line: int
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"file": self.file, "line": self.line, "column": self.column}
        if self.end_line is not None:
            out["end_line"] = self.end_line
        if self.end_column is not None:
            out["end_column"] = self.end_column
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Span:
        """TypeError or ValueError for what is no place: it is read from files that anybody may have written."""
        ends = [data.get(name) for name in ("end_line", "end_column")]
        numbers = [data["line"], data.get("column", 1), *(end for end in ends if end is not None)]
        if not isinstance(data["file"], str) or "\0" in data["file"]:
            raise TypeError("a place without a file")
        if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers):
            raise ValueError("a place without a line")
        return cls(data["file"], numbers[0], numbers[1], *ends)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
