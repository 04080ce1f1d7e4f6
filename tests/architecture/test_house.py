"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from klotho.diagnostics.codes import PAGES

SOURCE = Path(__file__).parents[2] / "src" / "klotho"
FILES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc"}
DEFINITION = re.compile(r"^( *)(?:async def|def|class) +\w+|^( *)@", re.MULTILINE)


@cache
def text_of(path: Path) -> str:
    return path.read_text()


def may_be_long(text: str, lines: int = 60) -> bool:
    """Whether some definition is so far before the next one that stands as far left: parsing all files takes long."""
    places = [(text.count("\n", 0, one.start()), len(one[1] or one[2] or "")) for one in DEFINITION.finditer(text)]
    end = (text.count("\n") + 1, 0)
    return any(
        next(item for item in (*places[at + 1 :], end) if item[1] <= indent)[0] - line >= lines
        for at, (line, indent) in enumerate(places)
    )


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_longer_than_500_lines() -> None:
    long = {str(path.relative_to(SOURCE)): n for path in FILES if (n := text_of(path).count("\n")) > 500}
    assert long == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{path.relative_to(SOURCE)}:{node.name}"
        for path in FILES
        if may_be_long(text_of(path))
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno >= 60
    ]
    assert long == []


def test_no_module_is_a_grab_bag() -> None:
    assert [path for path in FILES if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES] == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(SOURCE))
        for path in FILES
        if text_of(path).strip() and not re.match(r'(#.*\n|\s)*r?"""\s*\S', text_of(path))
    ]
    assert silent == []


@cache
def codes_in_source() -> dict[str, str]:
    """Every diagnostic code reported anywhere, with the file."""
    found: dict[str, str] = {}
    call = re.compile(r"""(?:report\.(?:error|warning)|Diagnostic|Failure)\(\s*["']([a-z][a-z0-9-]+)["']""")
    for path in FILES:
        for code in call.findall(text_of(path)):
            found.setdefault(code, str(path.relative_to(SOURCE)))
    return found


@pytest.mark.parametrize("code", sorted(codes_in_source()))
def test_every_code_has_a_page(code: str) -> None:
    assert code in PAGES, f"{code} is reported in {codes_in_source()[code]} and has no page"


def test_pages_are_listed_once_and_under_their_own_code() -> None:
    assert all(code == page.code for code, page in PAGES.items())


def test_subprocesses_never_go_through_a_shell() -> None:
    offenders = [
        str(path.relative_to(SOURCE))
        for path in FILES
        if re.search(r"shell\s*=\s*True|os\.system\(|create_subprocess_shell", text_of(path))
    ]
    assert offenders == []


def test_test_files_outside_packages_have_names_of_their_own() -> None:
    """Pytest imports them by their bare name: two of one name and the collection stops, in whole runs only."""
    loose = [file for file in Path("tests").rglob("test_*.py") if not (file.parent / "__init__.py").exists()]
    names = [file.name for file in loose]
    assert not sorted({name for name in names if names.count(name) > 1})
