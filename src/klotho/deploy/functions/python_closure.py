"""Which of the user's Python files a handler imports, directly or not.

Input: the package root and the handler's file. Output: every file inside the root that an import statement (anywhere
in a file, so inside functions and `if TYPE_CHECKING` too) or `importlib.import_module("literal")` may load, with the
`__init__.py` of each package on the way. Absolute names are looked up from the root, which is what Lambda puts on
`sys.path`; names not found there belong to the dependencies or the standard library. Refuses a file that does not
parse (`Failure`, at its line). Names made at run time are not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from klotho.diagnostics import Failure, Span


def python_closure(root: Path, entry: Path, source: Path | None = None) -> dict[str, Path]:
    """The entry and everything inside `root` it imports, by the path in the zip. `source` is a second folder that
    absolute names are looked up from (the `src` of a project): what is found there goes to the top of the zip."""
    found: dict[str, Path] = {}
    bases = [root] if source is None else [root, source]
    pending = [(root, file) for file in (entry, *_packages_above(root, entry))]
    while pending:
        base, file = pending.pop()
        name = file.relative_to(base).as_posix()
        if name in found:
            continue
        found[name] = file
        package = file.parent.relative_to(base).parts
        for module in _imported(file, root, package):
            # A package with an `__init__.py` wins over a mere folder that comes before it.
            places = [item for item in bases if _files_of(item, module[:1])]
            for place in places[:1] or bases:
                pending += [(place, path) for path in _files_of(place, module)]
    return found


def _packages_above(root: Path, file: Path) -> list[Path]:
    folders = []
    folder = file.parent
    while folder != root and folder.is_relative_to(root):
        folders.append(folder / "__init__.py")
        folder = folder.parent
    return [path for path in folders if path.is_file()]


def _imported(file: Path, root: Path, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Dotted names as parts; `from a import b` gives a and a.b because b may be a module."""
    for node in ast.walk(_parsed(file, root)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) - node.level + 1] if node.level else ()
            module = (*origin, *(node.module.split(".") if node.module else ()))
            yield module
            yield from ((*module, alias.name) for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Call) and _is_import_call(node.func) and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and not name.value.startswith("."):
                yield tuple(name.value.split("."))


def _is_import_call(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "import_module"
    return isinstance(function, ast.Name) and function.id in ("import_module", "__import__")


def _parsed(file: Path, root: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except (SyntaxError, ValueError) as error:
        shown = file.relative_to(root).as_posix()
        line = getattr(error, "lineno", None) or 1
        raise Failure(
            "function-does-not-parse",
            f"`{shown}` is no valid Python: {getattr(error, 'msg', error)}",
            at=Span(shown, line, getattr(error, "offset", None) or 1),
        ) from error


def _files_of(root: Path, module: tuple[str, ...]) -> list[Path]:
    """The module's own file and the `__init__.py` of every package on the way, as far as they exist."""
    files = []
    for end in range(1, len(module) + 1):
        base = root.joinpath(*module[:end])
        candidates = (base / "__init__.py", base.with_name(f"{base.name}.py")) if base.name else ()
        files += [path for path in candidates if path.is_file()][:1]
    return files
