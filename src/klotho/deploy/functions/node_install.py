"""Installs a function's npm packages for a target, by the installer whose lock was found.

Input: a `NodeManifest` and an empty folder. Output: the manifests' folders in it, with `node_modules` as plain folders.
Nothing for development is installed, and with a lock exactly what it says. For Lambda, packages for Linux on Arm, and
no install script runs: what it made would be for this machine. Refuses (`Failure`) an installer that is not there
(`installer-missing`), a lock that does not fit (`lock-outdated`), and native packages that come for no Linux.
"""

from __future__ import annotations

import os
from pathlib import Path

from klotho.deploy.functions.node_manifests import NodeManifest
from klotho.deploy.functions.run import Log, last_lines, on_path, output_of
from klotho.deploy.target import Target
from klotho.diagnostics import Failure, Span

_GET = {
    "npm": "install Node.js 20 or later, which brings npm",
    "pnpm": "run `npm install --global pnpm`",
    "yarn": "run `npm install --global yarn` (1.x; it starts the version that the project names, by `corepack`)",
    "yarn-classic": "run `npm install --global yarn`",
}
_OUTDATED = (
    "npm ci` can only install packages when", "ERR_PNPM_OUTDATED_LOCKFILE", "YN0028",
    "needs to be updated, but yarn was run", "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
)  # fmt: skip
_RELOCK = {"npm": "npm install", "pnpm": "pnpm install", "yarn": "yarn install", "yarn-classic": "yarn install"}


def install_node(manifest: NodeManifest, work: Path, target: Target, log: Log) -> None:
    """Fill `work`."""
    for name, content in manifest.files:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    program = manifest.installer.partition("-")[0]
    found = on_path(program, f"this function has packages locked by {program}", helps=_GET[manifest.installer])
    folder = work / manifest.runs_in
    if manifest.installer == "yarn":
        _configure_yarn(folder, target)
    log(f"installing with {program}")
    environment = {**os.environ, "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0", "YARN_ENABLE_GLOBAL_CACHE": "true", "CI": "1"}
    done = output_of([found, *_arguments(manifest, target)], folder, environment)
    for name in (".npmrc", ".yarnrc", ".yarnrc.yml"):  # may hold what opens a private registry
        for place in {work / name, folder / name, work / manifest.place / name}:
            place.unlink(missing_ok=True)
    if done.returncode:
        raise _failure(manifest, program, done.stdout + done.stderr, last_lines(done))


def _arguments(manifest: NodeManifest, target: Target) -> list[str]:
    platform = [] if target.is_host else ["--os=linux", f"--cpu={target.node[1]}", "--libc=glibc"]
    scripts = [] if target.is_host else ["--ignore-scripts"]
    if manifest.installer == "npm":
        quiet = ["--omit=dev", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
        return ["ci" if manifest.lock else "install", *quiet, *scripts, *platform]
    if manifest.installer == "pnpm":
        return ["install", "--frozen-lockfile", "--prod", "--config.node-linker=hoisted", *scripts, *platform]
    if manifest.installer == "yarn-classic":
        return ["install", "--frozen-lockfile", "--production", "--non-interactive", "--silent", *scripts]
    return ["install", "--immutable", *(["--mode=skip-build"] if scripts else [])]


def _configure_yarn(folder: Path, target: Target) -> None:
    """Yarn reads which platform and layout are wanted from a file only; a key given twice is an error."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml, place = YAML(typ="safe"), folder / ".yarnrc.yml"
    settings = dict(yaml.load(place.read_text(encoding="utf-8")) or {}) if place.is_file() else {}
    settings["nodeLinker"] = "node-modules"
    settings.pop("yarnPath", None)  # lies in a folder that is not copied; the one on PATH is used
    settings["enableTelemetry"] = False
    if not target.is_host:
        settings["supportedArchitectures"] = {"os": ["linux"], "cpu": [target.node[1]], "libc": ["glibc"]}
    out = StringIO()
    yaml.dump(settings, out)
    place.write_text(out.getvalue(), encoding="utf-8")


def _failure(manifest: NodeManifest, program: str, said: str, notes: tuple[str, ...]) -> Failure:
    if manifest.lock is not None and any(sign in said for sign in _OUTDATED):
        return Failure(
            "lock-outdated",
            f"`{Path(manifest.lock).name}` does not fit `{manifest.shown}`",
            at=Span(manifest.shown, 1),
            notes=notes,
            helps=(f"run `{_RELOCK[manifest.installer]}` in the folder of the lock",),
        )
    return Failure(
        "dependencies-not-installed",
        f"`{program}` could not install the function's dependencies",
        at=Span(manifest.shown, 1),
        notes=notes,
    )
