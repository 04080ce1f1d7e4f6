"""Functions in Go, compiled by a real toolchain: what is shipped, for which processor, what the compiler refuses."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.deploy.functions.architecture import architecture_of
from klotho.deploy.functions.package import FunctionPackager, FunctionZip
from klotho.deploy.images.function import dockerfile_for
from klotho.deploy.target import HOST, LAMBDA, Target
from klotho.diagnostics import Failure

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300), pytest.mark.usefixtures("go")]

PROPERTIES = {"root": ".", "runtime": "provided.al2023", "handler": "functions/thumb/main.main"}
MAIN = 'package main\n\nimport "example.com/pics/shared"\n\nfunc main() { println(shared.Word) }\n'
FILES = {
    ".git/HEAD": "",
    "go.mod": "module example.com/pics\n\ngo 1.22\n",
    "functions/thumb/main.go": MAIN,
    "shared/shared.go": 'package shared\n\nimport _ "embed"\n\n//go:embed word.txt\nvar Word string\n',
    "shared/word.txt": "one",
    "views/card.html": "<p>",
}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    write(tmp_path / "app", FILES)
    return tmp_path / "app"


def packaged(
    app: Path, target: Target = HOST, cache: str = ".cache", said: list[str] | None = None, **properties: object
) -> FunctionZip:
    lines = [] if said is None else said
    return FunctionPackager(app, app / cache, target).package({**PROPERTIES, **properties}, lines.append)


def run(built: FunctionZip, folder: Path) -> str:
    with zipfile.ZipFile(built.path) as archive:
        path = Path(archive.extract("bootstrap", folder))
        path.chmod(archive.getinfo("bootstrap").external_attr >> 16)
    return subprocess.run([path], capture_output=True, text=True, check=True).stderr.strip()  # println writes there


def refused(app: Path, **properties: object) -> Failure:
    with pytest.raises(Failure) as found:
        packaged(app, **properties)
    return found.value


def test_one_static_program_is_shipped_with_the_files_that_are_included(app: Path, tmp_path: Path) -> None:
    built = packaged(app, include=["views/card.html"])
    assert zipfile.ZipFile(built.path).namelist() == ["bootstrap", "views/card.html"]
    assert run(built, tmp_path) == "one"
    assert sorted(path.name for path in app.iterdir()) == [".cache", ".git", "functions", "go.mod", "shared", "views"]


def test_the_same_sources_give_the_same_bytes_and_are_compiled_once(app: Path, tmp_path: Path) -> None:
    said: list[str] = []
    first = packaged(app, said=said)
    assert [line for line in said if "compiling ./functions/thumb for " in line]
    again = packaged(app, said=said)
    assert (again.digest, again.cached, len(said)) == (first.digest, True, 1)
    write(tmp_path / "elsewhere", FILES)
    assert packaged(tmp_path / "elsewhere").digest == first.digest
    write(app, {"shared/word.txt": "two"})
    changed = packaged(app)
    assert changed.digest != first.digest and run(changed, tmp_path) == "two"


def test_for_lambda_it_is_compiled_for_arm_unless_another_processor_is_named(app: Path) -> None:
    for properties, processor in (({}, "arm64"), ({"architecture": "x86_64"}, "x86_64")):
        built = packaged(app, LAMBDA, **properties)
        with zipfile.ZipFile(built.path) as archive:
            assert architecture_of({"bootstrap": archive.read("bootstrap")}) == processor == built.architecture


def test_vendored_packages_and_modules_of_the_repository_are_compiled_in(app: Path, tmp_path: Path) -> None:
    far = "func Far() string { return lib.Near() }\n"
    write(
        app,
        {
            "go.mod": "module example.com/pics\n\ngo 1.22\n\nrequire (\n\texample.com/far v1.0.0\n"
            "\texample.com/lib v0.0.0\n)\n\nreplace example.com/lib => ./libs/lib\n",
            "functions/thumb/main.go": 'package main\nimport "example.com/far"\nfunc main() { println(far.Far()) }\n',
            "libs/lib/go.mod": "module example.com/lib\n\ngo 1.22\n",
            "libs/lib/lib.go": 'package lib\n\nfunc Near() string { return "near" }\n',
            "vendor/modules.txt": "# example.com/far v1.0.0\n## explicit; go 1.22\nexample.com/far\n"
            "# example.com/lib v0.0.0 => ./libs/lib\n## explicit; go 1.22\nexample.com/lib\n"
            "# example.com/lib => ./libs/lib\n",
            "vendor/example.com/far/far.go": f'package far\n\nimport "example.com/lib"\n\n{far}',
            "vendor/example.com/lib/lib.go": 'package lib\n\nfunc Near() string { return "near" }\n',
        },
    )
    assert run(packaged(app), tmp_path) == "near"
    write(app, {"vendor/example.com/far/far.go": 'package far\n\nfunc Far() string { return "far" }\n'})
    assert run(packaged(app), tmp_path) == "far"


def test_every_mistake_the_compiler_names_is_told_at_its_line_and_nothing_is_kept(app: Path) -> None:
    properties = {**PROPERTIES, "root": "functions", "handler": "thumb/main.main"}
    write(app, {"functions/thumb/main.go": "package main\n\nfunc main() {\n\tx := 3\n\tgone()\n}\n"})
    FunctionPackager(app, app / ".cache", HOST).validate(properties)  # which compiles nothing
    found = refused(app, root="functions", handler="thumb/main.main").diagnostic
    assert found.code == "go-does-not-compile"
    assert found.message == "`thumb/main.go` does not compile: declared and not used: x"
    assert [(*label.span[:3], label.text) for label in found.labels] == [
        ("functions/thumb/main.go", 4, 2, ""),
        ("functions/thumb/main.go", 5, 2, "undefined: gone"),
    ]
    write(app, {"functions/thumb/main.go": MAIN})
    assert not packaged(app).cached


def test_what_does_not_parse_is_told_before_anything_is_compiled(app: Path) -> None:
    write(app, {"shared/shared.go": "package shared\n\nfunc Word( string {\n"})
    write(app, {"shared/tool.go": "//go:build ignore\n\nno Go at all\n"})
    with pytest.raises(Failure) as found:
        FunctionPackager(app, app / ".cache", HOST).validate(PROPERTIES)
    assert found.value.diagnostic.code == "go-does-not-compile"
    assert found.value.diagnostic.labels[0].span[:2] == ("shared/shared.go", 3)
    write(app, {"shared/shared.go": FILES["shared/shared.go"]})
    packaged(app)


def test_a_package_that_go_mod_lacks_is_told_with_the_command_that_adds_it(app: Path) -> None:
    write(app, {"functions/thumb/main.go": 'package main\n\nimport _ "example.com/x/y"\n\nfunc main() {}\n'})
    found = refused(app).diagnostic
    assert found.labels[0].span[:2] == ("functions/thumb/main.go", 3)
    assert found.helps == ("run `go get example.com/x/y` in the folder of go.mod",)


def test_what_needs_cgo_is_refused_by_name(app: Path) -> None:
    write(app, {"functions/thumb/main.go": 'package main\n\nimport "C"\n\nfunc main() {}\n'})
    assert "needs cgo" in refused(app).diagnostic.helps[0].replace("need", "needs")


def test_a_file_that_is_changed_while_it_is_compiled_is_not_taken_for_what_it_was(app: Path) -> None:
    packager = FunctionPackager(app, app / ".cache", HOST)
    with pytest.raises(Failure, match="was changed while it was compiled"):
        packager.package(PROPERTIES, lambda line: write(app, {"shared/word.txt": "late"}))
    write(app, {"shared/word.txt": "one"})
    assert not packager.package(PROPERTIES, lambda line: None).cached


@pytest.mark.parametrize(
    ("handler", "files", "message"),
    [
        ("functions/thumb/main.Handle", {}, "a Go program starts at `main`"),
        ("shared/shared.main", {}, "`shared/shared.go` is of `package shared`"),
        ("functions/none/main.main", {}, "needs the file `functions/none/main.go`"),
    ],
)
def test_a_handler_that_names_no_program_is_refused(
    app: Path, handler: str, files: Mapping[str, str], message: str
) -> None:
    write(app, files)
    with pytest.raises(Failure, match=message):
        FunctionPackager(app, app / ".cache", HOST).validate({**PROPERTIES, "handler": handler})


def test_without_go_it_is_said_what_to_install(app: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = refused(app).diagnostic
    assert found.code == "installer-missing"
    assert found.helps == ("install Go (https://go.dev/dl) and see that `go` is on PATH",)


def test_the_settings_of_the_user_hold_and_decide_about_the_bytes(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(app, {"functions/thumb/loud.go": "//go:build loud\n\npackage main\n\nfunc init() { println(`loud`) }\n"})
    first = packaged(app)
    monkeypatch.setenv("GOFLAGS", "-tags=loud")
    assert packaged(app).digest != first.digest
    monkeypatch.setenv("GOOS", "windows")
    assert packaged(app, LAMBDA).architecture == "arm64"


def test_a_layer_of_a_program_is_refused_and_its_image_starts_the_program(app: Path) -> None:
    assert refused(app, layer=True).diagnostic.code == "layer-empty"
    base = "public.ecr.aws/lambda/provided:al2023"
    image = {**PROPERTIES, "base": base}
    built = packaged(app)
    assert dockerfile_for(image, built.path) == (
        f'FROM {base}\nCOPY package/ /var/task/\nENTRYPOINT ["/var/task/bootstrap"]\n'
    )
    hosted = packaged(app, hosted=True)
    assert {"bootstrap", "klotho/handler_host/__main__.py"} <= set(zipfile.ZipFile(hosted.path).namelist())
    assert 'CMD ["/var/task/bootstrap"]' in dockerfile_for({**image, "hosted": True}, hosted.path)
