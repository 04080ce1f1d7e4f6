"""Which of the user's JavaScript files a handler loads, directly or not.

Input: the package root and the handler's file. Output: every file inside the root that `require("./x")`,
`import … from "./x"`, `export … from "./x"` or `import("./x")` names, found the way Node finds them, and the
`package.json` files that decide how Node reads them. Refuses nothing. A relative name that
leads to no file is reported through `log`: it may stand in a text, or fail when the function runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

_TRIVIA = re.compile(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?\*/""", re.DOTALL)
_LOADS = re.compile(
    r"""(?:\brequire\s*\(|\bimport\s*\(|\bimport\b|\bfrom\b)\s*(["'`])(?P<name>\.{1,2}(?:/[^"'`\n]*)?)\1"""
)
_TYPESCRIPT = (".ts", ".mts", ".cts", ".tsx", ".jsx")
"""And JSX: what only a bundler can read."""
_EXTENSIONS = (".js", ".mjs", ".cjs", ".json", ".node", *_TYPESCRIPT)
_SCANNED = (".js", ".mjs", ".cjs")


def javascript_closure(root: Path, entry: Path, log: Callable[[str], None]) -> set[Path]:
    """Absolute paths of the entry and of everything inside `root` it loads."""
    found: set[Path] = set()
    pending = [entry]
    while pending:
        file = pending.pop()
        if file in found:
            continue
        found.add(file)
        found.update(_manifest_above(root, file))
        if file.suffix in _SCANNED:
            pending += _loaded(root, file, log)
    return found


def loads_typescript(root: Path, entry: Path) -> bool:
    """Whether a JavaScript handler loads TypeScript, which only a bundler can read."""
    return any(file.suffix in _TYPESCRIPT for file in javascript_closure(root, entry, lambda line: None))


def _loaded(root: Path, file: Path, log: Callable[[str], None]) -> list[Path]:
    source = _TRIVIA.sub(lambda match: match[1] or " ", file.read_text(encoding="utf-8", errors="replace"))
    targets = []
    for match in _LOADS.finditer(source):
        target = _resolved(root, file, match["name"])
        if target is not None:
            targets.append(target)
        else:
            shown = file.relative_to(root).as_posix()
            log(f"`{shown}` loads `{match['name']}`, which is no file in the function's root")
    return targets


def _resolved(root: Path, file: Path, name: str) -> Path | None:
    base = (file.parent / name).resolve()
    candidates = [base, *(base.with_name(base.name + extension) for extension in _EXTENSIONS)]
    candidates += [base / f"index{extension}" for extension in _EXTENSIONS]
    for candidate in candidates:
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate
    return None


def _manifest_above(root: Path, file: Path) -> list[Path]:
    """The nearest package.json: its `type` decides whether Node reads .js files as modules."""
    folder = file.parent
    while folder.is_relative_to(root):
        manifest = folder / "package.json"
        if manifest.is_file():
            return [manifest]
        folder = folder.parent
    return []
