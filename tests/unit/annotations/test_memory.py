"""What a compile remembers for the next one, and when it is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from klotho.annotations import memory as memories
from klotho.annotations.compiling import Compiled, compile_code
from klotho.annotations.languages import by_suffix
from klotho.diagnostics import Report

FILES = {
    "package.json": '{"name": "shop"}',
    "index.js": 'const app = require("express")();\nconst { f } = require("./a");\n'
    '// @klotho::expose { id = "api" }\napp.listen(3000);\n',
    "a.js": 'const b = require("./b");\nexports.f = () => b.g();\n',
    "b.js": "exports.g = () => 1;\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The contents that are parsed."""
    found: list[bytes] = []
    for suffix in (".js", ".py"):
        language: Any = by_suffix(suffix)
        before = type(language).tree

        def tree(self: Any, content: bytes, before: Any = before) -> Any:
            found.append(content)
            return before(self, content)

        monkeypatch.setattr(type(language), "tree", tree)
    return found


def compiled(folder: Path) -> Compiled:
    report = Report()
    made = compile_code(folder, None, report, memory=folder.parent / "memory")
    assert report.diagnostics == []
    return made


def test_only_annotated_and_changed_files_are_parsed_again(shop: Path, parsed: list[bytes]) -> None:
    first = compiled(shop)
    assert len(parsed) == 3
    parsed.clear()
    assert compiled(shop) == first
    assert parsed == [FILES["index.js"].encode()]
    parsed.clear()
    (shop / "b.js").write_text("exports.g = () => 2;\n")
    assert compiled(shop).files["main/b.js"] == b"exports.g = () => 2;\n"
    assert sorted(parsed) == sorted([FILES["index.js"].encode(), b"exports.g = () => 2;\n"])


def test_a_python_file_is_read_anew_where_its_package_is_another_one(tmp_path: Path, parsed: list[bytes]) -> None:
    """`src` is a package of its own as soon as it has an `__init__.py`: relative imports lead elsewhere."""
    folder = tmp_path / "zoo"
    (folder / "src" / "zoo").mkdir(parents=True)
    (folder / "src/zoo/__init__.py").write_text("from . import store\n")
    (folder / "src/zoo/store.py").write_text("x = 1\n")
    (folder / "main.py").write_text('import src.zoo\nimport zoo\n# @klotho::expose { id = "api" }\napp = print\n')
    for _ in range(2):
        made = compile_code(folder, None, Report(), memory=tmp_path / "memory")
        assert "main/zoo/store.py" in made.files
    (folder / "src/__init__.py").write_text("")
    known = compile_code(folder, None, Report(), memory=tmp_path / "memory")
    assert known == compile_code(folder, None, Report())
    assert "main/src/zoo/store.py" in known.files


def test_what_is_wrong_with_a_remembered_file_is_told_again(shop: Path, parsed: list[bytes]) -> None:
    (shop / "b.js").write_text("exports.g = ) => 1;\n")
    told = []
    for _ in range(2):
        parsed.clear()
        report = Report()
        compile_code(shop, None, report, memory=shop.parent / "memory")
        told.append([(item.code, str(item.span), item.message) for item in report.diagnostics])
    assert [code for code, _, _ in told[0]] == ["source-syntax"]
    assert told[0] == told[1]
    assert len(parsed) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda book: book.write_bytes(b""),
        lambda book: book.write_bytes(book.read_bytes()[:-5]),
        lambda book: book.write_bytes(book.read_bytes().replace(b"./b", b"./c")),
        lambda book: book.write_bytes(b"\xff\n{}"),
        lambda book: (book.unlink(), book.mkdir()),
        lambda book: (book.unlink(), book.parent.rmdir(), book.parent.write_text("a file")),
    ],
)
def test_a_damaged_book_is_none(shop: Path, damage: Any) -> None:
    first = compiled(shop)
    (book,) = (shop.parent / "memory").iterdir()
    damage(book)
    assert compiled(shop) == first
    assert compiled(shop) == first


def test_another_klotho_does_not_believe_it(shop: Path, parsed: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(shop)
    parsed.clear()
    monkeypatch.setattr(memories, "_reader", lambda: "another")
    compiled(shop)
    assert len(parsed) == 3


def test_books_are_few_and_none_is_large(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "MOST_BOOKS", 3)
    folder = shop.parent / "memory"
    for number in range(5):
        shop = shop.rename(shop.parent / f"shop{number}")
        compiled(shop)
    assert len(list(folder.iterdir())) == 3
    monkeypatch.setattr(memories, "LARGEST_BOOK", 10)
    last = {path.read_bytes() for path in folder.iterdir()}
    (shop / "b.js").write_text("exports.g = () => 3;\n")
    compiled(shop)
    assert {path.read_bytes() for path in folder.iterdir()} == last
