"""Whether JavaScript files parse, asked of Node itself without running them.

Input: files. Output: nothing, or a `Failure` at the line of the first file that
does not parse. Where this machine has no Node nothing is checked: the function can't be started here either. Effects:
one short `node --check` per file.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from klotho.diagnostics import Failure, Span

CHECKED = (".js", ".mjs", ".cjs")
_TIMEOUT = 30.0
"""Seconds; a check takes some hundredths of one."""
_MODULE_SYNTAX = ("Cannot use import statement outside a module", "Unexpected token 'export'")
"""What a Node says that does not look at a .js file's syntax to tell whether it is a module (before 20.19)."""


def check_javascript(root: Path, files: Iterable[Path]) -> None:
    """Failure (`function-does-not-parse`) for the first file, by name, that Node can't parse."""
    node = shutil.which("node")
    if node is None:
        return
    for file in sorted(files):
        if file.suffix in CHECKED:
            _check(node, root, file)


def _check(node: str, root: Path, file: Path) -> None:
    # An empty environment: NODE_OPTIONS of the user could load files into the check.
    done = subprocess.run(
        [node, "--check", str(file)], env={}, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    error = re.search(r"^SyntaxError: (.+)$", done.stderr, re.MULTILINE)
    if done.returncode == 0 or error is None:
        return
    shown = file.relative_to(root).as_posix()
    is_module = error[1].startswith(_MODULE_SYNTAX)
    advice = 'name the file `.mjs`, or put `"type": "module"` into package.json' if is_module else None
    raise Failure(
        "function-does-not-parse",
        f"`{shown}` is no valid JavaScript: {error[1]}",
        at=_place(done.stderr, file, shown),
        helps=(advice,),
    )


def _place(said: str, file: Path, shown: str) -> Span:
    """Node prints `path:line`, the line, and a caret under the column."""
    lines = said.splitlines()
    for index, line in enumerate(lines):
        number = line.removeprefix(f"{file}:")
        if number != line and number.isdigit():
            carets = next(
                (text for text in lines[index + 1 : index + 4] if text.strip(" ^") == "" and "^" in text), "^"
            )
            return Span(shown, int(number), carets.index("^") + 1)
    return Span(shown, 1)
