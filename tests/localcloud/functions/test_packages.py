"""Deployment packages are unpacked whole, once, and never outside of their folder."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.testbed import package
from klotho.localcloud.planes.functions.package import PackageError, inline, unpack


def written(folder: Path, data: bytes) -> Path:
    path = folder / "package.zip"
    path.write_bytes(data)
    return path


def with_link(name: str, target: str, more: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
        for other, content in (more or {}).items():
            archive.writestr(other, content)
    return buffer.getvalue()


def test_a_package_is_unpacked_once_for_the_same_content(tmp_path: Path) -> None:
    source = written(tmp_path, package({"a/b.py": "1", "c.txt": "2"}))
    first = unpack(source, tmp_path / "out")
    (first / "mark").touch()
    assert unpack(source, tmp_path / "out") == first
    assert (first / "mark").exists() and (first / "a" / "b.py").read_text() == "1"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [first.name]


def test_programs_in_a_package_stay_executable_and_links_inside_stay_links(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bin/tool")
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, "#!")
        link = zipfile.ZipInfo("bin/alias")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "tool")
    folder = unpack(written(tmp_path, buffer.getvalue()), tmp_path / "out")
    assert (folder / "bin" / "tool").stat().st_mode & 0o111
    assert (folder / "bin" / "alias").resolve() == (folder / "bin" / "tool").resolve()


@pytest.mark.parametrize(
    "data",
    [
        package({"../evil": "x"}),
        package({"/evil": "x"}),
        package({"a/../../evil": "x"}),
        package({"a\\..\\evil": "x"}),
        with_link("out", "../.."),
        with_link("out", "/etc"),
        with_link("a", "b", {"a/evil": "x", "b": "y"}),
        package({"a": "x", "a/b": "y"}),
        b"this is no zip file",
        b"",
    ],
)
def test_a_package_that_is_broken_or_would_leave_its_folder_is_refused_whole(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(PackageError):
        unpack(written(tmp_path, data), tmp_path / "out")
    assert not (tmp_path / "evil").exists()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_package_over_awss_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="Unzipped size must be smaller than 10 bytes"):
        unpack(written(tmp_path, package({"a": "x" * 6, "b": "y" * 6})), tmp_path / "out", 10)


_parts = st.sampled_from(["..", ".", "a", "b", "", "a\\b", "c\x00", "/", "ü"])


@example(names=["a", "a/a/"])
@example(names=["a", "a/"])
@given(names=st.lists(st.lists(_parts, min_size=1, max_size=4).map("/".join), max_size=5, unique=True))
def test_whatever_names_a_package_has_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("packages")
    try:
        source = written(folder, package({name: "x" for name in names if name}))
    except ValueError:
        return  # the zip writer refuses the name itself
    try:
        target = unpack(source, folder / "out")
    except PackageError:
        pass
    else:
        assert target.is_dir()
    assert sorted(path.name for path in folder.iterdir()) == ["out", "package.zip"]


@given(data=st.binary(max_size=200))
def test_any_bytes_give_a_package_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    with pytest.raises(PackageError):
        unpack(written(folder, b"PK\x03\x04" + data), folder / "out")


def test_inline_code_is_one_file(tmp_path: Path) -> None:
    folder = inline("x = 1", "index.py", tmp_path / "out")
    assert (folder / "index.py").read_text() == "x = 1"
    assert inline("x = 2", "index.py", tmp_path / "out") != folder
