"""esbuild: one pinned version, got once from npm into the cache, and what it says about a handler's files.

Input: an entry file. Output: what it imports (`Bundle`) and the bundled files. Refuses (`Failure`) a missing npm
(`installer-missing`), files that do not parse (`function-does-not-parse`, at the line) and imports that lead nowhere
(`import-not-found`). Source: esbuild.github.io/api (platform, packages, metafile).
"""

from __future__ import annotations

import json
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klotho.deploy.functions.run import Log, on_path, output_of, run_installer
from klotho.diagnostics import Failure, Span

VERSION = "0.28.2"
_ERROR = re.compile(
    r"^✘ \[ERROR\] (?P<message>.+?)\n(?:\n    (?P<file>[^\n]+?):(?P<line>\d+):(?P<column>\d+):)?", re.MULTILINE
)
_META = "meta.json"
_LOADERS = ("--loader:.node=copy",)
_REQUIRE = (
    "import { createRequire as __klothoRequire } from 'node:module';"
    "import { fileURLToPath as __klothoPath } from 'node:url';"
    "import { dirname as __klothoFolder } from 'node:path';"
    "const require = __klothoRequire(import.meta.url);"
    "const __filename = __klothoPath(import.meta.url);"
    "const __dirname = __klothoFolder(__filename);"
)
"""What packages written for CommonJS expect, in a module that has none of it."""


_UNRESOLVED = re.compile(r'Could not resolve "(?P<specifier>(?P<package>@[^"/]+/[^"/.][^"/]*|[^"/.@][^"/]*)[^"]*)"')
DYNAMIC = "dynamic-import"
"""esbuild's name of `await import(…)`."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a run made, and of what."""

    inputs: tuple[str, ...]
    """Files that went in, relative to the folder it ran in."""
    external: Mapping[str, tuple[str, str]]
    """What is left to be imported when it runs, by specifier: the first file that imports it, and how (`DYNAMIC` if
    any file does so)."""
    files: Mapping[str, bytes]
    """What came out, by path relative to the output folder."""


class Esbuild:
    """The program, installed when it is first needed."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "tools" / f"esbuild-{VERSION}"
        self._lock = threading.Lock()

    def program(self, log: Log) -> Path:
        with self._lock:
            found = self._found()
            if found is None:
                npm = on_path("npm", "TypeScript and npm packages are bundled by esbuild, which comes from npm",
                              helps="install Node.js 20 or later, which brings npm")  # fmt: skip
                self._folder.parent.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=self._folder.parent, prefix=".new-") as name:
                    work = Path(name) / "esbuild"
                    work.mkdir()
                    (work / "package.json").write_text("{}")
                    arguments = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--save-exact"]
                    run_installer([npm, "install", *arguments, f"esbuild@{VERSION}"], work, log)
                    if not self._folder.exists():
                        work.rename(self._folder)
                found = self._found()
            if found is None:
                message = f"esbuild {VERSION} does not come for this machine"
                raise Failure("installer-missing", message, helps=("compile to JavaScript first and name that file",))
            return found

    def _found(self) -> Path | None:
        # The package's own `bin/esbuild` is a script until its install script ran; the program is in the platform's.
        places = (
            *self._folder.glob("node_modules/@esbuild/*/bin/esbuild"),
            *self._folder.glob("node_modules/@esbuild/*/esbuild.exe"),
        )
        return next((path for path in places if path.is_file()), None)

    def run(self, folder: Path, entry: str, out_name: str, options: Sequence[str], log: Log, out: Path) -> Bundle:
        """Bundle `folder/entry` into `out/out_name`; `options` beside those every function has."""
        program = self.program(log)
        stem, _, ending = out_name.rpartition(".")
        command = [
            str(program), entry, "--bundle", "--platform=node", f"--outdir={out}", f"--metafile={out / _META}",
            f"--entry-names={stem}", f"--out-extension:.js=.{ending}",
            f"--format={'esm' if ending == 'mjs' else 'cjs'}", "--log-level=error", "--log-limit=0", "--color=false",
            *([f"--banner:js={_REQUIRE}"] if ending == "mjs" else []), *_LOADERS, *options,
        ]  # fmt: skip
        done = output_of(command, folder)
        without = _can_do_without(done.stderr, folder) if done.returncode else set()
        if without:
            done = output_of([*command, *(f"--external:{name}" for name in sorted(without))], folder)
        if done.returncode:
            raise _failure(done.stderr)
        meta: dict[str, Any] = json.loads((out / _META).read_bytes())
        (out / _META).unlink()
        files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        return Bundle(tuple(sorted(meta["inputs"])), _external(meta), files)


def _external(meta: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    # What is only used as types is an import of the input and none of the output; so is what esbuild adds itself.
    left = {imported["path"] for item in meta["outputs"].values() for imported in item.get("imports", ())}
    for file, item in sorted(meta["inputs"].items()):
        for imported in item.get("imports", ()):
            if imported.get("external") and imported["path"] in left:
                name, kind = str(imported["path"]), str(imported["kind"])
                if name not in found or kind == DYNAMIC:
                    found[name] = (file, kind)
    return found


def _can_do_without(said: str, folder: Path) -> set[str]:
    """What is not there and is no dependency of the package that asks for it: drivers of databases that the application
    has not got. Empty where something else is missing, too. Source: docs.npmjs.com, "package.json": `dependencies` are
    installed with a package, optional and peer ones need not be there."""
    found: set[str] = set()
    for error in _ERROR.finditer(said):
        missing = _UNRESOLVED.match(error["message"])
        if missing is None or not _is_optional(folder, error["file"] or "", missing["package"]):
            return set()
        found.add(missing["specifier"])
    return found


def _is_optional(folder: Path, file: str, package: str) -> bool:
    """Whether a file is of a package that does not depend on the other one."""
    before, _, inside = file.rpartition("node_modules/")
    parts = inside.split("/")
    place = folder / before / "node_modules" / "/".join(parts[: 2 if inside.startswith("@") else 1])
    try:
        manifest = json.loads((place / "package.json").read_bytes()) if "node_modules/" in file else None
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and package not in (manifest.get("dependencies") or ())


def _failure(said: str) -> Failure:
    error = _ERROR.search(said)
    if error is None:
        return Failure("import-not-found", "esbuild could not bundle the function", notes=said.splitlines()[:12])
    at = Span(error["file"], int(error["line"]), int(error["column"]) + 1) if error["file"] else None
    where = f"`{error['file']}`" if error["file"] else "the handler"
    if error["message"].startswith("Could not resolve"):
        return Failure(
            "import-not-found",
            f"{where} imports what is not there: {error['message']}",
            at=at,
            helps=("correct the path, or add the package to `dependencies` in package.json",),
        )
    language = "TypeScript" if (error["file"] or "").endswith(("ts", "tsx")) else "JavaScript"
    return Failure("function-does-not-parse", f"{where} is no valid {language}: {error['message']}", at=at)
