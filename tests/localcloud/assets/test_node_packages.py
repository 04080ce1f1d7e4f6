"""npm packages of functions, from the real registry: each installer by its lock, workspaces, native code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from klotho.deploy.functions.esbuild import Bundle, Esbuild
from klotho.deploy.functions.package import FunctionPackager, FunctionZip
from klotho.deploy.images.function import building_dockerfile, commands_in
from klotho.deploy.target import HOST, LAMBDA, Target
from klotho.diagnostics import Failure

pytestmark = pytest.mark.localcloud
PROPERTIES = {"root": ".", "runtime": "nodejs22.x", "handler": "functions/pay.main"}
PAY = 'import ms from "ms";\nexport const main = async (event: { days: string }): Promise<number> => ms(event.days);\n'
TIME = 'import ms from "ms";\nexport const days = (text: string): number => ms(text) / 864e5;\n'
CRC = 'import { crc32 } from "@node-rs/crc32";\nexport const main = async () => crc32("a");\n'
MANIFEST = {"name": "shop", "private": True, "dependencies": {"ms": "^2.1.2"}, "devDependencies": {"left-pad": "1.3.0"}}
INSTALLERS = {
    "npm": (None, ["npm", "install", "--package-lock-only", "--no-audit", "--no-fund"], "package-lock.json"),
    "pnpm": ("pnpm@10", ["pnpm", "install", "--lockfile-only"], "pnpm-lock.yaml"),
    "yarn-classic": ("yarn@1.22.22", ["yarn", "install", "--silent"], "yarn.lock"),
    "yarn": ("@yarnpkg/cli-dist@4", ["yarn", "install", "--mode=update-lockfile"], "yarn.lock"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installers that do not come with Node, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("tools")
    for name, (package, _, _) in INSTALLERS.items():
        if package is not None:
            command = ["npm", "install", "--prefix", str(folder / name), "--no-audit", "--no-fund", package]
            subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "app"
    write(folder, {".git/HEAD": "", "functions/pay.ts": PAY, "package.json": json.dumps(MANIFEST)})
    yield folder


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def lock(folder: Path, name: str = "npm") -> None:
    command = INSTALLERS[name][1]
    environment = {**os.environ, "YARN_ENABLE_IMMUTABLE_INSTALLS": "false", "YARN_ENABLE_TELEMETRY": "0"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    assert (folder / INSTALLERS[name][2]).is_file()
    for left in (*folder.glob("node_modules"), *folder.glob(".pnp*")):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def packaged(folder: Path, cache: Path, target: Target = HOST, **properties: str) -> FunctionZip:
    return FunctionPackager(folder, cache, target).package({**PROPERTIES, **properties}, lambda line: None)


def names(built: FunctionZip) -> set[str]:
    return {name for name in zipfile.ZipFile(built.path).namelist() if not name.startswith("node_modules/@klotho/")}


def called(built: FunctionZip, folder: Path, event: object, module: str = "functions/pay.js") -> object:
    """What the handler in the zip answers."""
    zipfile.ZipFile(built.path).extractall(folder)
    script = f"""const loaded = await import('{folder / module}');
        console.log(JSON.stringify(await (loaded.main ?? loaded.default.main)({json.dumps(event)})))"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("installer", INSTALLERS)
def test_each_installer_by_its_lock(
    app: Path, cache: Path, tools: Path, tmp_path: Path, installer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tools / installer}/node_modules/.bin:{os.environ['PATH']}")
    lock(app, installer)
    write(app, {"node_modules/ms/package.json": "{", "node_modules/ms/index.js": "broken"})  # never looked at
    built = packaged(app, cache)
    assert called(built, tmp_path / "run", {"days": "2 days"}) == 172_800_000
    assert names(built) == {"functions/pay.js", "functions/pay.bundle.js", "functions/pay.bundle.js.map"}
    assert packaged(app, cache, LAMBDA).digest == built.digest  # nothing in it is of one platform
    write(app, {"package.json": json.dumps({**MANIFEST, "dependencies": {"ms": "^2.1.2", "is-odd": "3.0.1"}})})
    with pytest.raises(Failure) as failed:
        packaged(app, cache)
    assert failed.value.diagnostic.code == "lock-outdated", failed.value.diagnostic
    assert failed.value.diagnostic.labels[0].span.file == "package.json"


def test_members_of_a_workspace_are_bundled_with_what_they_need(app: Path, cache: Path, tmp_path: Path) -> None:
    member = {"name": "@shop/time", "version": "1.0.0", "exports": "./src/index.ts", "dependencies": {"ms": "2.1.3"}}
    fn = {"name": "fn", "version": "1.0.0", "dependencies": {"@shop/time": "*"}}
    write(
        app,
        {
            "package.json": json.dumps({"name": "shop", "private": True, "workspaces": ["packages/*", "fn"]}),
            "packages/time/package.json": json.dumps(member),
            "packages/time/src/index.ts": TIME,
            "fn/package.json": json.dumps(fn),
            "fn/a.mts": 'import { days } from "@shop/time";\nexport const main = async (e: any) => days(e.t);\n',
        },
    )
    lock(app)
    built = packaged(app, cache, handler="fn/a.main")
    assert called(built, tmp_path / "run", {"t": "3 days"}, "fn/a.mjs") == 3
    assert names(built) == {"fn/a.mjs", "fn/a.bundle.mjs", "fn/a.bundle.mjs.map"}
    sources = json.loads(zipfile.ZipFile(built.path).read("fn/a.bundle.mjs.map"))["sources"]
    assert sources == ["../node_modules/ms/index.js", "../node_modules/@shop/time/src/index.ts", "a.mts"]
    assert packaged(app, cache, handler="fn/a.main").cached
    write(app, {"packages/time/src/index.ts": "export const days = (text: string) => text.length;\n"})
    again = packaged(app, cache, handler="fn/a.main")
    assert not again.cached and called(again, tmp_path / "again", {"t": "123"}, "fn/a.mjs") == 3


def test_the_same_commit_gives_the_same_bytes_wherever_it_lies(app: Path, cache: Path, tmp_path: Path) -> None:
    write(
        app,
        {"lib/a.ts": "export const a = 1;\n", "functions/pay.ts": f'import {{ a }} from "../lib/a";\n{PAY}void a;\n'},
    )
    lock(app)
    elsewhere = tmp_path / "some" / "deeper" / "place"
    shutil.copytree(app, elsewhere)
    write(elsewhere, {"node_modules/ms/index.js": "other", "notes.txt": "not an input"})
    assert packaged(elsewhere, tmp_path / "another" / "cache").digest == packaged(app, cache).digest


def test_native_packages_are_shipped_for_the_target(app: Path, cache: Path, tmp_path: Path) -> None:
    write(
        app,
        {
            "package.json": json.dumps({"type": "module", "dependencies": {"@node-rs/crc32": "1.10.6"}}),
            "functions/pay.ts": CRC,
        },
    )
    lock(app)
    here, there = packaged(app, cache), packaged(app, cache, LAMBDA)
    assert called(here, tmp_path / "run", {}, "functions/pay.mjs") == 3904355907
    assert there.architecture == "arm64"
    native = [name for name in names(there) if name.endswith(".node")]
    assert native == ["node_modules/@node-rs/crc32-linux-arm64-gnu/crc32.linux-arm64-gnu.node"]
    assert packaged(app, cache, LAMBDA, architecture="x86_64").architecture == "x86_64"


def test_a_package_the_manifest_names_as_external_is_shipped_as_it_is(app: Path, cache: Path, tmp_path: Path) -> None:
    write(app, {"package.json": json.dumps({**MANIFEST, "klotho": {"external": ["ms"]}})})
    built = packaged(app, cache)
    assert {"node_modules/ms/index.js", "node_modules/ms/package.json"} <= names(built)
    assert called(built, tmp_path / "run", {"days": "1 day"}) == 86_400_000


def test_a_package_that_would_have_to_be_compiled_is_refused_for_lambda(app: Path, cache: Path) -> None:
    write(
        app,
        {
            "package.json": json.dumps({"dependencies": {"hiredis": "0.5.0"}}),
            "functions/pay.ts": 'import hiredis from "hiredis";\nexport const main = async () => hiredis;\n',
        },
    )
    with pytest.raises(Failure) as failed:
        packaged(app, cache, LAMBDA)
    assert failed.value.diagnostic.code == "wheels-missing"
    assert "hiredis" in str(failed.value)


def test_such_a_package_is_shipped_to_be_compiled_inside_an_image(app: Path, cache: Path) -> None:
    write(
        app,
        {
            "package.json": json.dumps({"dependencies": {"hiredis": "0.5.0"}}),
            "functions/pay.ts": 'import hiredis from "hiredis";\nexport const main = async () => hiredis;\n',
        },
    )
    packager = FunctionPackager(app, cache, LAMBDA)
    assert "hiredis" in (packager.measure(PROPERTIES, lambda line: None).missing or "")
    built = packager.package({**PROPERTIES, "build": True}, lambda line: None)
    assert {"node_modules/hiredis/binding.gyp", "node_modules/nan/nan.h"} <= names(built)
    commands = commands_in(built.path)
    assert commands == [["hiredis"]]
    text = building_dockerfile("base", "functions/pay.main", commands, node=True)
    assert 'RUN ["npm", "rebuild", "--prefix", "/var/task", "hiredis"]' in text
    assert text.rstrip().endswith('COPY --from=built /var/task/ /var/task/\nCMD ["functions/pay.main"]')
    assert not any(name.endswith(".klotho-build") for name in names(built))


def test_packages_that_are_not_bundled_are_a_layer_where_node_finds_them(
    app: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    external = {**MANIFEST, "klotho": {"external": ["ms"]}}
    write(app, {"package.json": json.dumps(external)})
    packager = FunctionPackager(app, cache, HOST)
    built = packager.package({**PROPERTIES, "layer": True}, lambda line: None)
    assert built.layer is not None
    assert names(built) == {"functions/pay.js", "functions/pay.bundle.js", "functions/pay.bundle.js.map"}
    assert "nodejs/node_modules/ms/index.js" in zipfile.ZipFile(built.layer).namelist()
    zipfile.ZipFile(built.layer).extractall(tmp_path / "opt")
    monkeypatch.setenv("NODE_PATH", str(tmp_path / "opt/nodejs/node_modules"))
    assert called(built, tmp_path / "run", {"days": "1 day"}) == 86_400_000
    write(app, {"functions/pay.ts": f"{PAY}export const more = 1;\n"})
    changed = packager.package({**PROPERTIES, "layer": True}, lambda line: None)
    assert changed.digest != built.digest and changed.layer == built.layer

    dynamic = 'export const main = async (event: any) => (await import("ms")).default(event.days);\n'
    for files in (
        {"package.json": json.dumps({**external, "type": "module"})},  # Node's `import` does not look into layers
        {"package.json": json.dumps(external), "functions/pay.ts": dynamic},
    ):
        write(app, files)
        with pytest.raises(Failure) as failed:
            packager.package({**PROPERTIES, "layer": True}, lambda line: None)
        assert failed.value.diagnostic.code == "layer-empty"
        assert packager.measure(PROPERTIES, lambda line: None).zipped == 0


def test_what_only_the_bundle_refuses_is_told_at_its_line_of_the_program(app: Path, cache: Path) -> None:
    write(app, {"functions/pay.ts": "exports.main = 1;\nawait f();\n"})
    with pytest.raises(Failure, match="Top-level await") as failed:
        FunctionPackager(app, cache, HOST).package(
            {**PROPERTIES, "root": "functions", "handler": "pay.main"}, lambda line: None
        )
    (label,) = failed.value.diagnostic.labels
    assert (label.span.file, label.span.line) == ("functions/pay.ts", 2)


@pytest.mark.parametrize(
    ("source", "code", "place"),
    [
        ("export const main = async () => {\n  return = 1\n}\n", "function-does-not-parse", ("functions/pay.ts", 2)),
        ('import x from "./gone"\nexport const main = x\n', "import-not-found", ("functions/pay.ts", 1)),
        ('\nimport x from "left-pad"\nexport const main = x\n', "import-not-found", ("functions/pay.ts", 2)),
        ('import x from "../../beside"\nexport const main = x\n', "import-not-found", ("functions/pay.ts", 1)),
        ("export const main = (x: string): number => x\n", None, None),  # types are the editor's business
    ],
)
def test_mistakes_are_told_at_their_line_before_anything_is_installed(
    app: Path, cache: Path, source: str, code: str | None, place: tuple[str, int] | None
) -> None:
    write(app, {"functions/pay.ts": source, "../beside.ts": "export default 1\n"})
    packager = FunctionPackager(app, cache, HOST)
    if code is None:
        packager.validate(PROPERTIES)
        return
    with pytest.raises(Failure) as failed:
        packager.validate(PROPERTIES)
    assert failed.value.diagnostic.code == code
    assert failed.value.diagnostic.labels[0].span[:2] == place


def test_an_installer_that_is_not_there_is_named_with_how_to_get_it(
    app: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged(app, cache)  # brings the bundler
    write(app, {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure) as failed:
        packaged(app, cache)
    assert failed.value.diagnostic.code == "installer-missing"
    assert failed.value.diagnostic.helps == ("run `npm install --global pnpm`",)
    with pytest.raises(Failure) as failed:
        packaged(app, tmp_path / "empty")
    assert "`npm` is not on this machine" in str(failed.value)


DRIVERS = {
    "node_modules/db/package.json": json.dumps({"name": "db", "version": "1.0.0", "dependencies": {"pool": "1"}}),
    "node_modules/db/index.js": "require('pool');\n"
    "exports.of = (kind) => (kind === 'lite' ? require('sqlite3/lib') : kind);\n",
    "node_modules/pool/index.js": "",
    "handler.js": "exports.main = (kind) => require('db').of(kind);\n",
}


def bundled(folder: Path, cache: Path) -> Bundle:
    out = folder.parent / "out"
    return Esbuild(cache).run(folder, "handler.js", "handler.js", (), lambda line: None, out)


def test_a_driver_that_a_package_has_not_got_and_does_not_depend_on_is_left_outside(
    tmp_path: Path, cache: Path
) -> None:
    write(tmp_path / "app", DRIVERS)
    assert dict(bundled(tmp_path / "app", cache).external) == {
        "sqlite3/lib": ("node_modules/db/index.js", "require-call")
    }
    run = "const { main } = require('./out/handler'); console.log(main('pg')); main('lite')"
    said = subprocess.run(["node", "-e", run], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout == "pg\n"
    assert "Cannot find module 'sqlite3/lib'" in said.stderr


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"handler.js": "const db = require('db');\nexports.main = require('sqlite3');\n"}, "handler.js:2"),
        ({"handler.js": "require('db');\nrequire('./gone');\n"}, "handler.js:2"),
        ({"node_modules/db/index.js": "require('pool/deep');\nrequire('sqlite3');\n"}, "node_modules/db/index.js:1"),
    ],
)
def test_a_package_that_the_code_asks_for_and_has_not_got_is_refused_at_its_line(
    tmp_path: Path, cache: Path, changed: dict[str, str], place: str
) -> None:
    write(tmp_path / "app", {**DRIVERS, **changed})
    with pytest.raises(Failure) as failed:
        bundled(tmp_path / "app", cache)
    found = failed.value.diagnostic
    assert found.code == "import-not-found"
    assert found.span is not None
    assert f"{found.span.file}:{found.span.line}" == place
