"""What decides about a Go program, read without Go: its files, what they import and embed, its modules."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.deploy.functions import go_build
from klotho.deploy.functions.go_build import GoProgram
from klotho.deploy.functions.go_closure import GoFiles
from klotho.deploy.functions.go_module import go_modules
from klotho.deploy.functions.go_source import go_source
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.target import HOST, LAMBDA, Target
from klotho.diagnostics import Failure, Span

MOD = "module example.com/pics\n\ngo 1.22\n"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def closure(root: Path, program: str = "thumb") -> tuple[set[str], str]:
    modules = go_modules(root, root / program / "main.go", root)
    found = GoFiles().closure(root / program, modules)
    return {path.relative_to(root).as_posix() for path in found.files if path.is_file()}, found.digest


def test_the_package_the_imports_and_the_embedded_files_of_a_source_are_read() -> None:
    text = (
        '// Package main: import "no"\n/* package no */ package main; import _ "embed"\n\nimport (\n'
        '\tf "fmt" // "no"\n\t. `strings`\n\t/* "no" */ "a/b"; "c"\n)\nimport "d"\n\n'
        '//go:embed page.html "two words" all:static\nvar x string\n'
        'func main() { f.Println("import \\"no\\"") }\nimport "late"\n'
    )
    found = go_source(text)
    assert found.package == "main"
    assert found.imports == ("embed", "fmt", "strings", "a/b", "c", "d")
    assert found.embeds == ("page.html", "two words", "all:static")


@pytest.mark.parametrize("text", ["", "package", "import", "package main\nimport (", "package p\nimport x", "\0", '"'])
def test_what_is_no_go_is_left_to_the_compiler(text: str) -> None:
    assert go_source(text).imports == ()


PIECES = (
    "package", "main", "import", "(", ")", '"a/b"', '"', "`", "/*", "*/", "//", "\n", ";", "=>", "./x", "../..", 
    "replace", "use", "module", "example.com/pics/" + "x" * 300, "//go:embed", "[z-a]", "**x", "/", "\0", "\r", "ü",
    "example.com/pics",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.lists(st.sampled_from(PIECES), max_size=30), st.booleans())
def test_no_text_of_go_or_go_mod_is_a_traceback(source: list[str], manifest: list[str], spaced: bool) -> None:
    between = " " if spaced else ""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        write(root, {"thumb/main.go": between.join(source), "go.work": between.join(manifest)})
        write(root, {"go.mod": f"module example.com/pics\n{between.join(manifest)}"})
        with contextlib.suppress(Failure):
            closure(root)


def test_a_program_is_made_of_the_packages_it_reaches_and_what_they_embed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "go.mod": MOD,
            "go.sum": "",
            "thumb/main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/pics/shared"\n)\n',
            "thumb/other.go": "package main\n",
            "thumb/main_test.go": 'package main\nimport "example.com/pics/unused"\n',
            "thumb/_old.go": "package main\n",
            "thumb/notes.txt": "",
            "shared/shared.go": 'package shared\nimport "example.com/pics/deep/down"\n'
            "//go:embed pages\nvar pages embed.FS\n",
            "shared/pages/a/b.html": "one",
            "shared/pages/.hidden/b.html": "one",
            "shared/pages/_c.html": "one",
            "deep/down/fast_arm64.s": "",
            "deep/down/down.go": "package down\n",
            "deep/deep.go": "package deep\n",
            "unused/unused.go": "package unused\n",
        },
    )
    files, digest = closure(tmp_path)
    assert files == {
        "go.mod", "go.sum", "thumb/main.go", "thumb/other.go", "shared/shared.go", "shared/pages/a/b.html",
        "deep/down/down.go", "deep/down/fast_arm64.s",
    }  # fmt: skip
    write(tmp_path, {"unused/unused.go": "package unused // changed\n", "thumb/main_test.go": "package main\n"})
    assert closure(tmp_path)[1] == digest
    for name in sorted(files):
        (tmp_path / name).write_text((tmp_path / name).read_text() + "\n")
        assert closure(tmp_path)[1] != digest, name
        digest = closure(tmp_path)[1]


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": MOD, "thumb/main.go": "package main\n", "more/more.go": "package more\n"})
    files, modules = GoFiles(), go_modules(tmp_path, tmp_path / "thumb/main.go", tmp_path)
    before = files.closure(tmp_path / "thumb", modules)
    assert files.closure(tmp_path / "thumb", modules) == before
    write(tmp_path, {"thumb/main.go": 'package main\nimport "example.com/pics/more"\n'})
    assert tmp_path / "more/more.go" in files.closure(tmp_path / "thumb", modules).files


def test_modules_in_folders_and_vendored_packages_are_part_of_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app/go.mod": f"{MOD}require (\n\texample.com/lib v1.0.0\n\texample.com/far v1.2.0 // indirect\n)\n"
            'replace (\n\texample.com/lib v1.0.0 => "../lib"\n\texample.com/far => example.com/near v1.3.0\n)\n',
            "app/thumb/main.go": 'package main\nimport (\n\t"example.com/lib/deep"\n\t"example.com/far"\n)\n',
            "app/vendor/modules.txt": "",
            "app/vendor/example.com/far/far.go": "package far\n",
            "app/vendor/example.com/unused/unused.go": "package unused\n",
            "lib/go.mod": "module example.com/lib\n",
            "lib/deep/deep.go": "package deep\n",
        },
    )
    modules = go_modules(tmp_path, tmp_path / "app/thumb/main.go", tmp_path)
    found = {path for path in GoFiles().closure(tmp_path / "app/thumb", modules).files if path.is_file()}
    assert {path.relative_to(tmp_path).as_posix() for path in found} == {
        "app/go.mod", "app/thumb/main.go", "app/vendor/modules.txt", "app/vendor/example.com/far/far.go", "lib/go.mod",
        "lib/deep/deep.go",
    }  # fmt: skip


def test_a_workspace_counts_for_its_members_unless_it_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOWORK", raising=False)
    write(
        tmp_path,
        {
            "go.work": "go 1.22\n\nuse ./app\nuse (\n\t./lib\n)\n",
            "app/go.mod": MOD,
            "app/thumb/main.go": 'package main\nimport "example.com/lib"\n',
            "lib/go.mod": "module example.com/lib\n",
            "lib/lib.go": "package lib\n",
        },
    )
    assert {"go.work", "lib/lib.go"} <= closure(tmp_path, "app/thumb")[0]
    write(tmp_path, {"compiled/go.mod": MOD, "compiled/thumb/main.go": "package main\n"})
    assert closure(tmp_path, "compiled/thumb")[0] == {"compiled/go.mod", "compiled/thumb/main.go"}
    monkeypatch.setenv("GOWORK", "off")
    assert closure(tmp_path, "app/thumb")[0] == {"app/go.mod", "app/thumb/main.go"}


def test_a_file_in_no_module_and_a_module_outside_are_refused_at_their_line(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    write(root, {"thumb/main.go": "package main\n"})
    with pytest.raises(Failure) as missing:
        closure(root)
    assert missing.value.diagnostic.code == "go-module-missing"
    assert missing.value.diagnostic.labels[0].span[:2] == ("thumb/main.go", 1)
    assert missing.value.diagnostic.helps[0].startswith("run `go mod init thumb`")
    write(root, {"go.mod": f"{MOD}replace example.com/lib => ../lib\n"})
    with pytest.raises(Failure, match="outside of the program's repository") as outside:
        closure(root)
    assert outside.value.diagnostic.labels[0].span[:2] == ("go.mod", 4)


def failure(tmp_path: Path, said: str) -> Failure:
    write(tmp_path, {"app/go.mod": MOD, "app/thumb/main.go": "package main\n\nvar größe = x\n"})
    modules = go_modules(tmp_path, tmp_path / "app/thumb/main.go", tmp_path)
    program = GoProgram(tmp_path, tmp_path / "app/thumb", modules, HOST, "")
    return go_build._failure(program, said, tuple(said.splitlines()))


def test_every_line_the_compiler_names_is_told_in_characters(tmp_path: Path) -> None:
    found = failure(
        tmp_path,
        "# example.com/pics/thumb\nthumb/main.go:3:15: undefined: x\n"
        "thumb/main.go:9:2: too many arguments in call to f\n\thave (number)\n\twant ()\n"
        "../lib/lib.go:2: no\ntoo many errors\n",
    ).diagnostic
    assert found.message == "`app/thumb/main.go` does not compile: undefined: x"
    assert [(*label.span[:3], label.text) for label in found.labels] == [
        ("app/thumb/main.go", 3, 13, ""),
        ("app/thumb/main.go", 9, 2, "too many arguments in call to f have (number) want ()"),
        ("lib/lib.go", 2, 1, "no"),
    ]
    assert found.helps


@pytest.mark.parametrize(
    ("said", "place", "help"),
    [
        (
            "thumb/main.go:3:5: no required module provides package github.com/x/y; to add it:\n"
            "\tgo get github.com/x/y\n",
            ("app/thumb/main.go", 3, 5),
            "run `go get github.com/x/y` in the folder of go.mod",
        ),
        ("go: updates to go.mod needed; to update it:\n\tgo mod tidy\n", ("app/go.mod", 1), "run `go mod tidy` in"),
        ("go: errors parsing go.mod:\ngo.mod:4: unknown directive: foo\n", ("app/go.mod", 4, 1), "correct"),
        (
            "package example.com/pics/thumb: build constraints exclude all Go files in /x\n",
            ("app/go.mod", 1),
            "packages that need cgo can't be used",
        ),
        ("runtime.main_main·f: function main is undeclared in the main package\n", ("app/go.mod", 1), "correct"),
    ],
)
def test_what_is_to_be_done_is_said(tmp_path: Path, said: str, place: tuple[object, ...], help: str) -> None:
    found = failure(tmp_path, said).diagnostic
    assert found.labels[0].span[: len(place)] == place
    assert any(line.startswith(help) for line in found.helps), found


def test_gofmt_is_found_beside_the_go_that_is_used_and_without_go_the_file_that_wants_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f'#!/bin/sh\necho "{{\\"GOROOT\\": \\"{tmp_path}/goroot\\", \\"GOVERSION\\": \\"go1.24\\"}}"\n'
    write(tmp_path, {"bin/go": said, "goroot/bin/gofmt": "#!/bin/sh\necho 'main.go:1:1: no Go' >&2\nexit 2\n"})
    write(tmp_path, {"app/go.mod": MOD, "app/main.go": "package main\n\nfunc main() {}\n"})
    for name in ("bin/go", "goroot/bin/gofmt"):
        (tmp_path / name).chmod(0o755)
    properties = {"root": "app", "runtime": "provided.al2023", "handler": "main.main"}
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(Failure, match=r"`main\.go` does not compile: no Go"):
        FunctionPackager(tmp_path, tmp_path / ".cache", HOST).validate(properties)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        Failure, match=r"^`main\.go` is a Go program, which is compiled on this machine, but `go` is not"
    ) as missing:
        FunctionPackager(tmp_path, tmp_path / ".cache", HOST).validate(properties)
    assert missing.value.diagnostic.span == Span("app/main.go", 1)


def test_a_program_is_compiled_for_linux_on_arm_unless_another_processor_is_named() -> None:
    assert LAMBDA.go == ("linux", "arm64")
    assert Target("lambda", ("x86_64",)).go == ("linux", "amd64")
