"""Where a build may write: only what is missing, empty or ours; what others put there stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.diagnostics import Failure
from klotho.driver.output_folder import MARKER, write_output

FILES = {"application.json": b"{}\n", "cloudformation/a.template.json": b"a\n"}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "shop"
    folder.mkdir(parents=True)
    (folder / "infra.py").write_text("import klotho\n")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(target: Path, program: Path) -> str:
    before = tree(program.parent)
    with pytest.raises(Failure) as caught:
        write_output(target, FILES, program)
    assert caught.value.diagnostic.code == "output-folder-taken"
    assert caught.value.diagnostic.helps
    assert tree(program.parent) == before
    return caught.value.diagnostic.message


def test_a_folder_with_other_files_is_refused_and_stays_as_it_was(program: Path) -> None:
    (program / "f").mkdir()
    (program / "f" / "mine.txt").write_text("mine")
    assert f"`{program / 'f'}`" in refused(program / "f", program)


def test_the_programs_folder_and_its_parents_are_refused(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program)
    for target in (Path("."), Path(".."), Path("../.."), program, Path("/")):
        refused(target, program)


def test_a_folder_that_lost_its_program_is_still_no_output_folder(program: Path) -> None:
    """Even one with a marker: a program that moves into an old output must not be mixed with it."""
    write_output(program / "compiled", FILES, program)
    refused(program / "compiled", program / "compiled")


def test_files_and_links_in_the_place_of_the_folder_are_refused(program: Path, tmp_path: Path) -> None:
    (program / "compiled").write_text("a file")
    assert "is a file" in refused(program / "compiled", program)
    (program / "infra.py").write_text("still here")
    refused(program / "infra.py", program)
    (tmp_path / "elsewhere").mkdir()
    (program / "link").symlink_to(tmp_path / "elsewhere")
    assert "is a link" in refused(program / "link", program)
    (program / "dangling").symlink_to(tmp_path / "nowhere")
    assert "is a link" in refused(program / "dangling", program)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_earlier_output_is_updated_and_strangers_files_in_it_are_kept(program: Path) -> None:
    target = program / "compiled"
    write_output(target, {**FILES, "old/gone.json": b"x"}, program)
    (target / "mine.txt").write_text("mine")
    (target / "old" / "mine.txt").write_text("mine too")
    inode = (target / "application.json").stat().st_ino
    write_output(target, {**FILES, "cloudformation/a.template.json": b"new\n"}, program)
    found = tree(target)
    marker = found.pop(MARKER)
    assert b"application.json" in marker and b"gone" not in marker
    assert found == {
        "application.json": b"{}\n",
        "cloudformation/a.template.json": b"new\n",
        "mine.txt": b"mine",
        "old/mine.txt": b"mine too",
    }
    assert (target / "application.json").stat().st_ino == inode


def test_a_strangers_file_under_a_name_that_is_needed_is_refused(program: Path) -> None:
    target = program / "compiled"
    write_output(target, {"application.json": b"{}\n"}, program)
    (target / "cloudformation").mkdir()
    (target / "cloudformation" / "a.template.json").write_text("mine")
    assert "a.template.json" in refused(target, program)


def test_links_inside_an_output_are_not_followed(program: Path, tmp_path: Path) -> None:
    target = program / "compiled"
    write_output(target, {"application.json": b"{}\n"}, program)
    (tmp_path / "outside").mkdir()
    (target / "cloudformation").symlink_to(tmp_path / "outside")
    assert "cloudformation" in refused(target, program)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("name", ["../infra.py", "/etc/hostname", "a/../../infra.py", ""])
def test_a_marker_that_names_files_outside_is_no_marker(name: str, program: Path) -> None:
    import orjson

    target = program / "compiled"
    target.mkdir()
    (target / MARKER).write_bytes(orjson.dumps({"written_by": "klotho", "files": [name]}))
    (target / "application.json").write_text("{}")
    refused(target, program)


def test_a_refused_write_names_the_path_and_leaves_nothing(program: Path) -> None:
    (program / "file").write_text("in the way")
    with pytest.raises(Failure) as caught:
        write_output(program / "file" / "below", FILES, program)
    assert caught.value.diagnostic.code == "file-refused"
    assert "below" in caught.value.diagnostic.message
