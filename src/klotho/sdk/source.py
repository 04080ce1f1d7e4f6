"""Where in the user's program a call stands: file, line and exact columns.

Input: the running frames; output: spans with paths relative to the program's folder. The place of a call is the
nearest frame that is neither Klotho's nor a library's, so loops, functions and the user's own modules work.
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from types import CodeType, FrameType

from klotho.diagnostics import Span

_KLOTHO = str(Path(__file__).resolve().parent.parent) + os.sep
_STANDARD_LIBRARY = str(Path(os.__file__).parent) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

Position = tuple[int | None, int | None, int | None, int | None]
"""Line, end line, column and end column as the interpreter keeps them: columns in UTF-8 bytes from 0."""


def is_klothos(filename: str) -> bool:
    return filename.startswith(_KLOTHO)


def is_users(filename: str) -> bool:
    """Whether a code object's file was written by the user rather than by a library."""
    if filename.startswith(("<", _KLOTHO)) or any(part in filename for part in _INSTALLED):
        return False
    return not filename.startswith(_STANDARD_LIBRARY)


def user_frame() -> FrameType | None:
    """The nearest frame of the user's; None when only libraries are running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


class Sources:
    """Turns frames into spans; keeps what it has read of the user's files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._positions: dict[int, tuple[CodeType, list[Position]]] = {}
        self._names: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}
        self._calls: dict[str, dict[tuple[int, int], ast.Call]] = {}

    def here(self) -> Span | None:
        """The span of the user's running expression."""
        frame = user_frame()
        return None if frame is None else self.at(frame.f_code, frame.f_lasti, frame.f_lineno)

    def at(self, code: CodeType, instruction: int, line: int) -> Span:
        """The span of one instruction (a byte offset) of a code object; `line` serves where it keeps no columns."""
        file = self.name(code.co_filename)
        start, end, column, end_column = self._position(code, instruction)
        if start is None or column is None or end is None or end_column is None:
            return Span(file, line)
        return Span(file, start, self._column(file, start, column), end, self._column(file, end, end_column))

    def name(self, filename: str) -> str:
        """The file as the user would write it: relative to the program's folder."""
        if filename not in self._names:
            try:
                relative = os.path.relpath(filename, self.root)
            except ValueError:  # another drive, on Windows
                relative = filename
            self._names[filename] = Path(relative).as_posix()
        return self._names[filename]

    def argument(
        self,
        call: Span | None,
        name: str,
        index: int | None = None,
        key: object = None,
        at_key: bool = False,
    ) -> Span | None:
        """The value the user wrote for an argument of this call, or for one key of a mapping given there (with `at_key`
        the key itself); the whole call where that cannot be told."""
        node = self._call(call)
        if call is None or node is None:
            return call
        value = self._written(node, name, index)
        if isinstance(value, ast.Dict) and key is not None:
            for written, item in zip(value.keys, value.values, strict=True):
                if isinstance(written, ast.Constant) and written.value == key:
                    value = written if at_key else item
                    break
        return call if value is None else self._span_of(call.file, value)

    @staticmethod
    def _written(node: ast.Call, name: str, index: int | None) -> ast.expr | None:
        for keyword in node.keywords:
            if keyword.arg == name:
                return keyword.value
        positional = node.args
        exact = index is not None and not any(isinstance(item, ast.Starred) for item in positional[: index + 1])
        if exact and index is not None and index < len(positional):
            return positional[index]
        return None

    def keyword(self, call: Span | None, name: str) -> Span | None:
        """The `name=` of a keyword argument; the whole call where there is none in the text."""
        node = self._call(call)
        if call is not None and node is not None:
            for keyword in node.keywords:
                if keyword.arg == name:
                    whole = self._span_of(call.file, keyword)
                    return whole._replace(end_line=whole.line, end_column=whole.column + len(name))
        return call

    def attribute(self, expression: Span | None, name: str) -> Span | None:
        """The name at the end of `variable.name`; all of any other expression, such as `getattr(…)`."""
        if expression is None or expression.end_column is None or expression.end_line is None:
            return expression
        start = expression.end_column - len(name)
        if start < 1 or (expression.line == expression.end_line and start < expression.column):
            return expression
        lines = self._text(expression.file)
        written = lines[expression.end_line - 1] if expression.end_line <= len(lines) else ""
        if written[start - 1 : expression.end_column - 1] != name:
            return expression
        return expression._replace(line=expression.end_line, column=start)

    def imported(self, statement: Span | None, name: str) -> Span | None:
        """The name inside a `from klotho import …` statement."""
        if statement is None:
            return None
        for node in ast.walk(self._tree(statement.file)):
            if isinstance(node, ast.ImportFrom) and node.lineno <= statement.line <= (node.end_lineno or 0):
                for alias in node.names:
                    if alias.name == name:
                        span = self._span_of(statement.file, alias)
                        return span._replace(end_line=span.line, end_column=span.column + len(name))
        return statement

    def _call(self, span: Span | None) -> ast.Call | None:
        """Found by its end, the closing parenthesis, which no two calls share; starts differ in method chains."""
        if span is None or span.end_line is None or span.end_column is None:
            return None
        if span.file not in self._calls:
            found: dict[tuple[int, int], ast.Call] = {}
            for node in ast.walk(self._tree(span.file)):
                if isinstance(node, ast.Call):
                    place = self._span_of(span.file, node)
                    found[(place.end_line or 0, place.end_column or 0)] = node
            self._calls[span.file] = found
        return self._calls[span.file].get((span.end_line, span.end_column))

    def _span_of(self, file: str, node: ast.expr | ast.keyword | ast.alias) -> Span:
        end_line = node.end_lineno or node.lineno
        return Span(
            file,
            node.lineno,
            self._column(file, node.lineno, node.col_offset),
            end_line,
            self._column(file, end_line, node.end_col_offset or node.col_offset),
        )

    def _tree(self, file: str) -> ast.AST:
        try:
            return ast.parse("\n".join(self._text(file)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.Module([], [])  # the file changed since it was run: whole calls are shown instead

    def _position(self, code: CodeType, instruction: int) -> Position:
        # By identity: hashing a code object walks all of it, and a program's main body can be long.
        if id(code) not in self._positions:
            self._positions[id(code)] = (code, list(code.co_positions()))
        positions = self._positions[id(code)][1]
        index = instruction // 2
        return positions[index] if 0 <= index < len(positions) else (None, None, None, None)

    def _column(self, file: str, line: int, offset: int) -> int:
        """The column from 1 in characters, of an offset in UTF-8 bytes."""
        lines = self._text(file)
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        if text.isascii():
            return offset + 1
        return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore")) + 1

    def _text(self, file: str) -> list[str]:
        if file not in self._lines:
            import tokenize

            try:
                with tokenize.open(str(self.root / file)) as stream:
                    self._lines[file] = stream.read().split("\n")
            except (OSError, SyntaxError, ValueError, LookupError):
                self._lines[file] = []
        return self._lines[file]
