"""A function's zip: what goes in, the same bytes each time, and what is refused by name."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.deploy.functions.archive import Contents, digest_of, write_archive, write_contents
from klotho.deploy.functions.package import FunctionPackager, _seen_from
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure, Label, Span

PYTHON = {"root": ".", "runtime": "python3.12"}
NODE = {"root": ".", "runtime": "nodejs20.x"}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def package(folder: Path, properties: Mapping[str, Any], said: list[str] | None = None) -> zipfile.ZipFile:
    lines = said if said is not None else []
    built = FunctionPackager(folder, folder / ".cache", HOST).package(properties, lines.append)
    return zipfile.ZipFile(built.path)


def own_names(archive: zipfile.ZipFile) -> set[str]:
    return {name for name in archive.namelist() if not name.startswith(("klotho/", "node_modules/@klotho/"))}


def test_python_ships_what_the_handler_imports_and_nothing_else(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "functions/__init__.py": "",
            "functions/invoice.py": "from . import money\nfrom shared.text import shout\nimport json\n",
            "functions/money.py": "import importlib\nimportlib.import_module('shared.late')\n",
            "functions/other.py": "raise RuntimeError\n",
            "shared/text.py": "def shout(): \n    import shared.deep.down\n",
            "shared/late.py": "",
            "shared/deep/__init__.py": "",
            "shared/deep/down.py": "from .. import sibling\nfrom ..sibling import *\n",
            "shared/sibling.py": "",
            "shared/unused.py": "",
            "secret.txt": "no",
        },
    )
    archive = package(tmp_path, {**PYTHON, "handler": "functions/invoice.handler"})
    assert own_names(archive) == {
        "functions/__init__.py",
        "functions/invoice.py",
        "functions/money.py",
        "shared/text.py",
        "shared/late.py",
        "shared/deep/__init__.py",
        "shared/deep/down.py",
        "shared/sibling.py",
    }
    assert "klotho/__init__.py" in archive.namelist()


def test_the_root_may_be_a_folder_below_the_program(tmp_path: Path) -> None:
    write(tmp_path, {"services/mail/main.py": "import local\n", "services/mail/local.py": ""})
    archive = package(tmp_path, {**PYTHON, "root": "./services/mail", "handler": "main.handler"})
    assert own_names(archive) == {"main.py", "local.py"}


def test_node_ships_what_the_handler_loads(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "package.json": '{"type": "module"}',
            "functions/pay.mjs": 'import x from "./lib.js"\nexport * from "../shared/index.js"\n',
            "functions/lib.js": 'const later = () => import("./late.cjs") // require("./not-there")\n',
            "functions/late.cjs": 'require("./data")\nconst text = "require(\\"./nope\\")"\n',
            "functions/data.json": "{}",
            "shared/index.js": 'import "./side-effect.js"\n',
            "shared/side-effect.js": "",
            "functions/unused.js": "",
        },
    )
    said: list[str] = []
    archive = package(tmp_path, {**NODE, "handler": "functions/pay.handler"}, said)
    assert own_names(archive) == {
        "package.json",
        "functions/pay.mjs",
        "functions/lib.js",
        "functions/late.cjs",
        "functions/data.json",
        "shared/index.js",
        "shared/side-effect.js",
    }
    assert any(name.startswith("node_modules/@klotho/runtime/") for name in archive.namelist())
    assert said == []


def test_files_that_are_included_are_shipped_and_a_changed_one_is_another_package(tmp_path: Path) -> None:
    write(tmp_path, {"a.js": "exports.handler = () => 1;\n", "views/a.html": "one", "views/b.html": "no"})
    properties = {**NODE, "handler": "a.handler", "include": ["views/a.html"]}
    first = package(tmp_path, properties)
    assert own_names(first) == {"a.js", "views/a.html"}
    (tmp_path / "views/a.html").write_text("two")
    assert package(tmp_path, properties).read("views/a.html") == b"two"
    for missing in ("views/c.html", "../out.html", "views"):
        with pytest.raises(Failure, match="no file in its folder"):
            package(tmp_path, {**properties, "include": [missing]})


def test_a_name_that_leads_nowhere_is_said_and_not_fatal(tmp_path: Path) -> None:
    write(tmp_path, {"pay.js": 'require("./gone")\n'})
    said: list[str] = []
    package(tmp_path, {**NODE, "handler": "pay.handler"}, said)
    assert said == ["`pay.js` loads `./gone`, which is no file in the function's root"]


def test_the_same_input_gives_the_same_bytes_whatever_the_hash_seed_and_times(tmp_path: Path) -> None:
    files = {"a.py": "import b, c\n", "b.py": "import d.e\n", "c.py": "", "d/e.py": ""}
    script = (
        "import sys; from pathlib import Path; from klotho.deploy.functions.package import FunctionPackager as P\n"
        "from klotho.deploy.target import HOST\n"
        "f = Path(sys.argv[1]); p = {'root': '.', 'runtime': 'python3.12', 'handler': 'a.handler'}\n"
        "print(P(f, f / '.cache', HOST).package(p, print).digest)\n"
    )
    digests = set()
    for seed in ("1", "2", "3"):
        folder = tmp_path / seed
        write(folder, files)
        os.utime(folder / "b.py", (int(seed) * 10_000_000, int(seed) * 10_000_000))
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True, env=environment
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1


def test_an_input_seen_before_is_not_built_again_and_a_changed_one_is(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    packager = FunctionPackager(tmp_path, tmp_path / ".cache", HOST)
    properties = {**PYTHON, "handler": "a.handler"}
    first, second = packager.package(properties, print), packager.package(properties, print)
    write(tmp_path, {"a.py": "x = 2\n"})
    third = packager.package(properties, print)
    assert (first.cached, second.cached, third.cached) == (False, True, False)
    assert first.key == second.key != third.key


def test_a_zip_deleted_from_the_cache_is_built_again_with_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    packager = FunctionPackager(tmp_path, tmp_path / ".cache", HOST)
    first = packager.package({**PYTHON, "handler": "a.handler"}, print)
    first.path.unlink()
    again = packager.package({**PYTHON, "handler": "a.handler"}, print)
    assert (again.cached, again.digest) == (False, first.digest)


def a_wheel(folder: Path, name: str, files: Mapping[str, str]) -> None:
    info = f"{name}-1.0.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text)}")
    content[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in content.items():
            wheel.writestr(path, text)


def test_packages_are_installed_and_can_not_shadow_the_runtime_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    a_wheel(wheels, "greetings", {"greetings/__init__.py": "HELLO = 'hi'\n"})
    a_wheel(wheels, "klotho", {"klotho/__init__.py": "raise ImportError('shadowed')\n", "klotho/evil.py": ""})
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    write(tmp_path, {"app/f.py": "import greetings\n", "app/requirements.txt": "greetings==1.0\nklotho\n"})
    archive = package(tmp_path, {**PYTHON, "handler": "app/f.handler"})
    assert archive.read("greetings/__init__.py") == b"HELLO = 'hi'\n"
    assert b"shadowed" not in archive.read("klotho/__init__.py")
    assert "klotho/evil.py" not in archive.namelist()


def test_an_installer_that_fails_is_shown_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    write(tmp_path, {"f.py": "", "pyproject.toml": '[project]\nname="x"\ndependencies = ["no-such-package-xyz"]\n'})
    with pytest.raises(Failure) as caught:
        package(tmp_path, {**PYTHON, "handler": "f.handler"})
    assert caught.value.diagnostic.code == "dependencies-not-installed"
    assert any("no-such-package-xyz" in note for note in caught.value.diagnostic.notes)


@pytest.mark.parametrize(
    ("files", "properties", "code"),
    [
        ({}, {**PYTHON, "handler": "f.handler"}, "handler-file-missing"),
        ({"f.py": "def (:\n"}, {**PYTHON, "handler": "f.handler"}, "function-does-not-parse"),
        ({"f.py": "x = '\0'\n"}, {**PYTHON, "handler": "f.handler"}, "function-does-not-parse"),
        ({"f.py": ""}, {"root": ".", "runtime": "go1.x", "handler": "f.handler"}, "runtime-not-supported"),
        ({"f.py": "", "requirements.txt": "-e .\n"}, {**PYTHON, "handler": "f.handler"}, "dependency-is-local"),
        (
            {"f.py": "", "requirements.txt": "-r ../x.txt\n"},
            {**PYTHON, "handler": "f.handler"},
            "dependencies-unreadable",
        ),
        ({"f.py": "", "pyproject.toml": "[project\n"}, {**PYTHON, "handler": "f.handler"}, "dependencies-unreadable"),
        ({"f.js": "", "package.json": "{"}, {**NODE, "handler": "f.handler"}, "dependencies-unreadable"),
        (
            {"f.js": "", "package.json": '{"dependencies": {"x": "file:../x"}}'},
            {**NODE, "handler": "f.handler"},
            "dependency-is-local",
        ),
    ],
)
def test_what_can_not_be_packaged_is_refused_by_name(
    files: dict[str, str], properties: dict[str, str], code: str, tmp_path: Path
) -> None:
    write(tmp_path, files)
    with pytest.raises(Failure) as caught:
        package(tmp_path, properties)
    assert caught.value.diagnostic.code == code


NAMES = st.text("abcdefgh./-_é", min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=8))
def test_an_archive_depends_on_its_content_alone(entries: dict[str, bytes]) -> None:
    def archived(items: dict[str, bytes]) -> bytes:
        out = io.BytesIO()
        write_archive(out, items)
        return out.getvalue()

    reversed_ = dict(reversed(entries.items()))
    assert archived(entries) == archived(reversed_)
    assert digest_of(entries) == digest_of(reversed_)
    with zipfile.ZipFile(io.BytesIO(archived(entries))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == entries


@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=6), st.dictionaries(NAMES, st.binary(max_size=40)))
def test_what_was_packed_before_is_taken_over_as_it_is(packages: dict[str, bytes], own: dict[str, bytes]) -> None:
    own = {name: data for name, data in own.items() if name not in packages}
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "packed.zip"
        with packed.open("wb") as out:
            write_archive(out, packages)
        written = io.BytesIO()
        write_contents(written, Contents({**packages, **own}, lambda: packed))
        again = io.BytesIO()
        write_contents(again, Contents({**own, **packages}, lambda: packed))
    with zipfile.ZipFile(written) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {**packages, **own}
    assert written.getvalue() == again.getvalue()


def test_what_is_wrong_in_a_compiled_unit_is_told_at_the_line_it_was_written_from(tmp_path: Path) -> None:
    """Of a module in `src`, too; what compiling made itself is told where it is."""
    broken = "x = 1\ndef (:\n"
    write(
        tmp_path,
        {
            "compiled/.klotho-output.json": "{}",
            **{f"compiled/main/{name}.py": broken for name in ("top", "below", "made")},
            "top.py": broken,
            "src/below.py": broken,
        },
    )
    packager = FunctionPackager(tmp_path, tmp_path / ".cache", HOST)
    for name, told in {"top": "top.py", "below": "src/below.py", "made": "compiled/main/made.py"}.items():
        with pytest.raises(Failure) as failure:
            packager.validate({"root": "compiled/main", "runtime": "python3.12", "handler": f"{name}.handler"})
        (label,) = failure.value.diagnostic.labels
        assert (label.span.file, label.span.line) == (told, 2)


def test_a_line_that_compiling_appended_is_told_at_the_end_of_the_file_it_was_written_from(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "compiled/.klotho-output.json": "{}",
            "compiled/main/main.go": "package main\n\nfunc main() {{\n}\n\nvar _ = http.ListenAndServe\n",
            "main.go": "package main\n\nfunc main() {{\n}\n\n",
        },
    )
    said = (Label(Span("main.go", 6, 1)), Label(Span("main.go", 7, 1), "and here"), Label(Span("main.go", 3, 90)))
    failure = Failure("go-does-not-compile", "no", notes=())
    failure.diagnostic = replace(failure.diagnostic, labels=said)
    found = _seen_from(tmp_path, tmp_path / "compiled/main", failure).diagnostic
    assert [label.span for label in found.labels] == [Span("main.go", 4, 1, 4, 2), Span("main.go", 3, 1)]
