"""What a site consists of, and with which headers each file is stored."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.deploy.sites.files import (
    CONFIGURATION,
    IMMUTABLE,
    REVALIDATE,
    SHARED,
    SiteFile,
    cache_control,
    content_type,
    has_digest,
    site_files,
)
from klotho.diagnostics import Failure


def files_of(folder: Path, **values: str) -> dict[str, SiteFile]:
    return site_files(folder, "web", ["index.html"], values, lambda line: None)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>hello</h1>")
    (folder / "assets" / "main.js").write_text("hello()")
    return folder


@pytest.mark.parametrize(
    "name",
    ["main.3f2a1b9c.js", "index-BkT3_9xY.js", "chunk-2XK3Q7AB.mjs", "a/b/logo.0a1b2c3d4e5f.svg", "style-DiwrgTda9.css"],
)
def test_names_with_a_digest_are_kept_for_ever(name: str) -> None:
    assert has_digest(name) and cache_control(name) == IMMUTABLE


@pytest.mark.parametrize(
    "name",
    ["main.js", "bootstrap-responsive.css", "photo-20240101.jpg", "jquery-3.7.1.min.js", "README", "IMG_12345678.jpg",
     "deadbeef.css", "a1b2c3d4/app.js", "backgrounds.png", "font-awesome.woff2", "Release-Notes.pdf"],
)  # fmt: skip
def test_words_numbers_and_versions_are_no_digests(name: str) -> None:
    assert not has_digest(name) and cache_control(name) == SHARED


def test_a_page_is_asked_about_before_each_use_whatever_its_name() -> None:
    assert cache_control("docs/index-BkT3_9xY.html") == cache_control(CONFIGURATION) == REVALIDATE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("a.MJS", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a.svg", "image/svg+xml"),
        ("a.json", "application/json"),
        ("site.webmanifest", "application/manifest+json"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_the_ending_tells_the_content_type(name: str, kind: str) -> None:
    assert content_type(name) == kind


def test_values_are_a_script_that_no_file_of_the_folder_replaces(web: Path) -> None:
    (web / CONFIGURATION).write_text("// of development")
    file = files_of(web, API_URL="https://api.example/</script>", NAME="a\u2028b")[CONFIGURATION]
    text = re.fullmatch(r"globalThis\.klotho = Object\.freeze\((.*)\);\n", file.content.decode(), flags=re.S)
    assert text is not None and json.loads(text[1]) == {"API_URL": "https://api.example/</script>", "NAME": "a\u2028b"}
    assert file.cache_control == REVALIDATE and file.content_type.startswith("text/javascript")


def test_without_values_there_is_no_script(web: Path) -> None:
    assert set(files_of(web)) == {"index.html", "assets/main.js"}


def test_what_begins_with_a_dot_is_left_out_and_said_so(web: Path) -> None:
    (web / ".env").write_text("SECRET=1")
    (web / ".well-known").mkdir()
    (web / ".well-known" / "security.txt").write_text("Contact: a@b.example")
    (web / "assets" / ".git").mkdir()
    (web / "assets" / ".git" / "config").write_text("x")
    said: list[str] = []
    found = site_files(web, "web", ["index.html"], {}, said.append)
    assert set(found) == {"index.html", "assets/main.js", ".well-known/security.txt"}
    assert [line.split(" (")[0] for line in said] == ["left out: .env", "left out: assets/.git"]


def test_a_link_inside_is_followed_and_one_that_leaves_is_refused(web: Path) -> None:
    (web / "copy.js").symlink_to(web / "assets" / "main.js")
    assert files_of(web)["copy.js"].md5 == files_of(web)["assets/main.js"].md5
    (web / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(Failure, match=r"`web/passwd` is a link that leads out"):
        files_of(web)


def test_a_link_to_a_folder_is_refused(web: Path) -> None:
    (web / "again").symlink_to(web / "assets")
    with pytest.raises(Failure, match=r"`web/again` is a link to a folder"):
        files_of(web)


def test_a_missing_folder_and_a_missing_page_are_named(web: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the folder `web` does not exist"):
        files_of(tmp_path / "elsewhere")
    (web / "index.html").unlink()
    with pytest.raises(Failure, match=r"`web` has no `index\.html`"):
        files_of(web)


@given(st.text(min_size=1, max_size=40))
def test_any_name_gets_headers(name: str) -> None:
    assert "/" in content_type(name) and cache_control(name) in (IMMUTABLE, REVALIDATE, SHARED)
