"""Static units and embedded files: which files they are, where they go, and what is refused."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.annotations.compiling import compile_code
from klotho.annotations.globs import matching
from klotho.annotations.hosting import Hosting
from klotho.diagnostics import Report
from tests.unit.annotations.mutations import mutated
from tests.unit.annotations.test_compiling import APP, EXPOSE, compiled, good, told

SITE = Path(__file__).parents[3] / "examples" / "annotated-site"
FILES = ["a.txt", "b.md", "in/a.txt", "in/deep/a.txt", "in/deep/b.md", ".env", "in/.git/a.txt", ".well-known/a.txt"]
PAGES = {"public/index.html": "<p>hi</p>", "public/a/site.css": "p {}", "other/index.html": "", "other/start.html": ""}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.txt", ["a.txt"]),
        ("*", ["a.txt", "b.md"]),
        ("?.md", ["b.md"]),
        ("*.{txt,md}", ["a.txt", "b.md"]),
        ("[a-b].*", ["a.txt", "b.md"]),
        ("[!a].*", ["b.md"]),
        ("**", ["a.txt", "b.md", "in/a.txt", "in/deep/a.txt", "in/deep/b.md", ".well-known/a.txt"]),
        ("**/a.txt", ["a.txt", "in/a.txt", "in/deep/a.txt", ".well-known/a.txt"]),
        ("in/**/*.md", ["in/deep/b.md"]),
        ("in/*", ["in/a.txt"]),
        (".env", [".env"]),
        ("a{.txt", []),
        ("[", []),
    ],
)
def test_patterns_match_as_a_shell_does_and_leave_hidden_files(pattern: str, expected: list[str]) -> None:
    assert matching(FILES, pattern) == expected


@settings(max_examples=300, deadline=None)
@given(st.text("ab*?[]{}!^-,./\\é", max_size=20))
def test_every_text_is_a_pattern(pattern: str) -> None:
    assert set(matching(FILES, pattern)) <= set(FILES)


def test_mutated_annotations_of_files_give_diagnostics_and_no_traceback(tmp_path: Path) -> None:
    chance, seed = random.Random(3), (SITE / "index.js").read_text(encoding="utf-8")
    shutil.copytree(SITE, tmp_path, dirs_exist_ok=True)
    begins, ends = seed.index("/*"), seed.index("const card")
    for _ in range(200):
        changed = seed[:begins] + mutated(seed[begins:ends], chance) + seed[ends:]
        (tmp_path / "index.js").write_bytes(changed.encode("utf-8", "surrogatepass"))
        compile_code(tmp_path, "x", Report())


def test_a_dockerfile_of_typescript_copies_what_no_import_leads_to(tmp_path: Path) -> None:
    code = 'import express from "express";\nconst app = express();\n' + EXPOSE
    assets = '// @klotho::embed_assets { include = "views/*" }\nf();\n'
    for name, content in {"index.ts": f"{code}{assets}", "views/a b.html": "", "package.json": "{}"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    made = compile_code(tmp_path, "x", Report(), Hosting(default=("fargate", None)))
    assert 'COPY ["views/a b.html", "./views/a b.html"]\n' in made.files["main/Dockerfile"].decode()
    assert made.files["main/views/a b.html"] == b""


def test_a_pattern_of_many_alternatives_ends() -> None:
    assert matching(FILES, "{a,b}" * 40) == []


def test_the_annotated_site_is_a_unit_with_its_views_and_pages_that_know_the_api() -> None:
    report = Report()
    made = compile_code(SITE, None, report)
    assert report.diagnostics == []
    assert [(unit.name, unit.assets) for unit in made.units] == [("main", ["views/card.html"])]
    (static,) = made.static
    assert (static.name, static.index) == ("site", "index.html")
    assert static.files == ["app.js", "index.html", "klotho-config.js", "shared/rules.js", "styles/site.css"]
    site = made.application.construct("Site/site")  # type: ignore[arg-type]
    assert site.properties["environment"] == {"PETS_API_URL": "${klotho:API/pets-api#url}"}
    function = made.application.construct("Compute.Function/main")  # type: ignore[arg-type]
    assert function.properties["include"] == ["views/card.html"]
    assert made.files["site/shared/rules.js"] == made.files["main/shared/rules.js"]
    assert not any(path.startswith("main/public/") for path in made.files)


@pytest.mark.parametrize("name", ["index.js", "index.ts", "index.jsx", "index.py"])
def test_static_units_and_embedded_assets_are_read_in_every_language(tmp_path: Path, name: str) -> None:
    mark = "#" if name.endswith(".py") else "//"
    annotations = f'{mark} @klotho::static_unit {{ id = "web"\n{mark} static_files = "public/**" }}\n'
    made, report = compiled(tmp_path, {name: annotations + "a = 1\n", **PAGES})
    assert [item.code for item in report.errors] == []
    assert made.units == []
    assert made.static[0].files == ["a/site.css", "index.html"]
    assert made.files["web/index.html"] == b"<p>hi</p>"


def test_patterns_begin_at_the_annotated_file_and_with_a_slash_at_the_top(tmp_path: Path) -> None:
    given = (
        "/* @klotho::static_unit {\n id = 'web'\n index_document = 'pages/start.html'\n"
        " static_files = ['pages/*', '/shared/*', '../more/*.js']\n} */\nf();\n"
    )
    pages = {"web/pages/start.html": "", "shared/a.js": "", "more/b.js": "", "more/c.txt": "", "pages/no.html": ""}
    made = good(tmp_path, {"web/site.js": given, **pages})
    assert made.static[0].files == ["more/b.js", "shared/a.js", "start.html"]
    assert made.static[0].index == "start.html"


def test_the_index_document_may_be_named_from_the_top_as_the_older_compiler_did(tmp_path: Path) -> None:
    given = "/* @klotho::static_unit {\n id = 'web'\n index_document = 'web/p/i.html'\n static_files = 'p/*'\n} */\n"
    assert good(tmp_path, {"web/a.js": given, "web/p/i.html": ""}).static[0].files == ["i.html"]


def test_assets_go_to_the_units_of_their_file_and_those_of_no_unit_to_all(tmp_path: Path) -> None:
    unit = '// @klotho::execution_unit { id = "two" }\n// @klotho::embed_assets { include = "data/two.txt" }\n'
    files = {
        "index.js": f'{APP}const two = require("./two");\napp.get("/", async () => two.f());\n{EXPOSE}',
        "two.js": f"{unit}exports.f = async function () {{}};\n",
        "files.js": '// @klotho::embed_assets { include = ["data/*"], exclude = ["data/two.txt"] }\n'.replace(
            ", exclude", "\n// exclude"
        ),
        "data/all.txt": "",
        "data/two.txt": "",
    }
    assert [(unit.name, unit.assets) for unit in good(tmp_path, files).units] == [
        ("main", ["data/all.txt"]),
        ("two", ["data/all.txt", "data/two.txt"]),
    ]


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("a/b.js", "f(__dirname);\n", 'f(require("../klotho/place.cjs").file("a"));\n'),
        ("b.js", "f(__filename, x.__dirname);\n", 'f(require("./klotho/place.cjs").file("b.js"), x.__dirname);\n'),
        (
            "b.mjs",
            "f(import.meta.url);",
            'f(__klothoPlace.url("b.mjs"));\nimport __klothoPlace from "./klotho/place.cjs";\n',
        ),
        (
            "b.mjs",
            "const __dirname = import.meta.dirname;\ng(__dirname);\n",
            'const __dirname = __klothoPlace.file(".");\ng(__dirname);\n'
            'import __klothoPlace from "./klotho/place.cjs";\n',
        ),
    ],
)
def test_code_beside_assets_knows_where_it_stands_also_in_a_bundle(
    tmp_path: Path, path: str, code: str, expected: str
) -> None:
    begin = f'require("./{path}");' if path.endswith(".js") else f'import("./{path}");'
    assets = '// @klotho::embed_assets { include = "*.txt" }\n'
    made = good(tmp_path, {"index.js": f"{APP}{begin}\n{assets}{EXPOSE}", path: code, "a.txt": ""})
    assert made.files[f"main/{path}"].decode() == expected


def test_without_assets_nothing_is_changed(tmp_path: Path) -> None:
    code = f"{APP}f(__dirname);\n{EXPOSE}"
    assert good(tmp_path, {"index.js": code}).files["main/index.js"] == code.encode()


STATIC = '/* @klotho::static_unit {\n id = "web"\n %s\n} */\n'


@pytest.mark.parametrize(
    ("annotation", "code"),
    [
        (STATIC % "", "annotation-files"),
        (STATIC % 'static_files = "nothing/*"', "annotation-files"),
        (STATIC % 'static_files = "public/a/*"', "annotation-files"),
        (STATIC % 'static_files = "public/**"\n index_document = "public/x.html"', "annotation-files"),
        (STATIC % 'static_files = ["public/**", "index.js"]', "annotation-files"),
        (STATIC % 'static_files = ["public/**", "other/*"]\n index_document = "other/index.html"', ""),
        ("/* @klotho::static_unit {\n static_files = 'public/**'\n} */\n", "annotation-id"),
        ('// @klotho::embed_assets { include = "none/*" }\n', "annotation-files"),
        ("// @klotho::embed_assets\n", "annotation-files"),
        ('/* @klotho::static_unit {\n id = "main"\n static_files = "public/**"\n} */\n', "annotation-duplicate"),
    ],
)
def test_files_that_are_not_there_or_would_be_published_by_mistake_are_told(
    tmp_path: Path, annotation: str, code: str
) -> None:
    assert [item for item, _ in told(tmp_path, {"index.js": f"{annotation}{APP}{EXPOSE}", **PAGES})] == [code] * bool(
        code
    )


def test_two_files_at_one_address_are_refused(tmp_path: Path) -> None:
    given = STATIC % 'static_files = ["public/**", "a/site.css"]'
    found = told(tmp_path, {"index.js": f"{given}{APP}{EXPOSE}", **PAGES, "a/site.css": ""})
    assert found == [("annotation-files", "index.js:1")]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    shutil.copytree(SITE, tmp_path / "there")
    assert compile_code(tmp_path / "there", "x", Report()).files == compile_code(SITE, "x", Report()).files
