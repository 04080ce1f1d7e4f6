"""Installs a function's Python packages for a target, by uv.

Input: pins, wheels of local packages, an empty folder. Output: the folder filled with what is imported, the same bytes
each time. On this machine packages without a wheel are built, as pip does. For Lambda nothing is: wheels for Linux are
taken, for Arm first, then for x86-64; only what has no wheel at all may be built, if it turns out to be pure Python.
Refuses (`Failure`, `wheels-missing`) packages that exist for no such platform.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from klotho.deploy.functions.python_pins import Pins
from klotho.deploy.functions.run import Log, last_lines, output_of, run_installer, uv
from klotho.deploy.target import Architecture, Target
from klotho.diagnostics import Failure

_OF_THE_INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
"""What uv notes about where a package came from and when: of no use in a function, and different each time."""


def install_python(pins: Pins, wheels: Sequence[Path], work: Path, target: Target, runtime: str, log: Log) -> None:
    """Fill `work`; what was left out or chosen is said to `log`."""
    with tempfile.TemporaryDirectory(prefix="klotho-requirements-") as name:
        folder = Path(name)
        for relative, content in pins.files:
            (folder / relative).parent.mkdir(parents=True, exist_ok=True)
            (folder / relative).write_bytes(content)
        command = [
            uv(), "pip", "install", "--quiet", "--no-config", "--python", sys.executable, "--target", str(work),
            *(["--no-deps"] if pins.complete else []),
        ]  # fmt: skip
        wanted = ["--requirement", str(folder / pins.files[0][0])]
        if wheels:
            wheel_lines = folder / "wheels-of-this-repository.txt"
            wheel_lines.write_text("\n".join(str(path) for path in wheels))
            wanted += ["--requirement", str(wheel_lines)]
        if target.is_host:
            run_installer([*command, *wanted], folder, log)
        else:
            _install_for_lambda(command, wanted, work, target, runtime, log)
    _tidy(work)


def _install_for_lambda(
    command: list[str], wanted: list[str], work: Path, target: Target, runtime: str, log: Log
) -> None:
    said: list[tuple[str, ...]] = []
    for may_build in (False, True):
        for architecture in target.architectures:
            platform = [
                "--python-platform",
                target.wheels(runtime, architecture),
                "--python-version",
                target.python(runtime),
            ]
            only = [] if may_build else ["--only-binary", ":all:"]
            done = output_of([*command, *platform, *only, *wanted], work.parent)
            if done.returncode == 0 and not (may_build and _built_here(work)):
                _say(architecture, target, said, log)
                return
            said.append(last_lines(done) or (f"{_built_here(work)} has machine code and no wheel for Linux",))
            _empty(work)
    if not any(word in line for line in said[0] for word in ("wheel", "platform", "ABI", "machine code")):
        raise Failure("dependencies-not-installed", "`uv` could not install the function's dependencies", notes=said[0])
    raise Failure(
        "wheels-missing",
        f"the function's packages can't be had for {runtime} on Linux ({' or '.join(target.architectures)})",
        notes=said[0],
        helps=("choose versions that have wheels for Linux, or make the function a `Compute.Container`",),
    )


def _say(architecture: Architecture, target: Target, said: list[tuple[str, ...]], log: Log) -> None:
    first = target.architectures[0]
    if architecture != first:
        why = next((line.strip() for line in said[0] if "wheel" in line or "platform" in line), said[0][-1])
        log(f"made for {architecture}: not everything has a wheel for {first} ({why})")


def _built_here(work: Path) -> str | None:
    """A package whose wheel was made on this machine and is not pure Python."""
    for note in sorted(work.glob("*.dist-info/WHEEL")):
        tags = [line.split(":")[1].strip() for line in note.read_text().splitlines() if line.startswith("Tag:")]
        if any("linux" in tag and "many" not in tag and "musl" not in tag for tag in tags) or any(
            tag.endswith(("-macosx", "-win_amd64")) or "macosx" in tag for tag in tags
        ):
            return note.parent.name.partition("-")[0]
    return None


def _tidy(work: Path) -> None:
    for path in (work / "bin", work / "Scripts", work / "__pycache__"):
        # Scripts hold the path of this machine's interpreter.
        shutil.rmtree(path, ignore_errors=True)
    (work / ".lock").unlink(missing_ok=True)
    for info in work.glob("*.dist-info"):
        for name in _OF_THE_INSTALLER:
            (info / name).unlink(missing_ok=True)
        record = info / "RECORD"
        if record.is_file():
            gone = (*(f"{info.name}/{name}," for name in _OF_THE_INSTALLER), "../", "bin/")
            kept = [line for line in record.read_text().splitlines() if not line.startswith(gone)]
            record.write_text("\n".join([*kept, ""]))


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
