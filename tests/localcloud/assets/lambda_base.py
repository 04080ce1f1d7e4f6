"""A base image like AWS's for Python, made of this machine's own Python: there is no network to pull AWS's from.

It has what an image is built with there: a shell, `python3` with pip, and `dnf`, which notes what it was asked for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

DNF = '#!/bin/sh\necho "$@" >> /dnf-was-asked-for\n'
_LIBRARY = Path("/usr/lib/python3.11")
_LEFT_OUT = ("test", "idlelib", "tkinter", "lib2to3", "__pycache__", "ensurepip")


def make_base(folder: Path, name: str) -> None:
    """Keep it as the local image `name`."""
    root = folder / "root"
    for place in ("tmp", "var/task", "etc", "bin"):
        (root / place).mkdir(parents=True, exist_ok=True)
    shutil.copytree(
        _LIBRARY, root / _LIBRARY.relative_to("/"), symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT)
    )
    packages = Path("/usr/lib/python3/dist-packages/pip")
    shutil.copytree(packages, root / packages.relative_to("/"), ignore=shutil.ignore_patterns("__pycache__"))
    programs = [Path("/usr/bin/python3.11"), Path("/bin/sh").resolve()]
    for source in {*programs, *_libraries([*programs, *_LIBRARY.glob("lib-dynload/*.so")])}:
        (root / source.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.resolve(), root / source.relative_to("/"))
        (root / source.relative_to("/")).chmod(0o755)
    shutil.copyfile(Path("/bin/sh").resolve(), root / "bin/sh")
    (root / "usr/bin/python3").symlink_to("python3.11")
    (root / "bin/dnf").write_text(DNF)
    for program in ("sh", "dnf"):
        (root / "bin" / program).chmod(0o755)
    with tarfile.open(folder / "root.tar", "w") as archive:
        archive.add(root, ".")
    (folder / "Dockerfile").write_text("FROM scratch\nADD root.tar /\nENV PATH=/usr/bin:/bin\n")
    shutil.rmtree(root)
    subprocess.run(["buildah", "build", "--tag", name, str(folder)], check=True, capture_output=True)


def _libraries(files: Iterable[Path]) -> set[Path]:
    """What the dynamic linker would load for them, and itself."""
    found: set[Path] = set()
    for file in files:
        said = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
        found |= {Path(path) for path in re.findall(r"(/[^\s()]+\.so[^\s()]*)", said)}
    return found
