"""What the image of a function is built from: its package, on AWS's base image for its runtime.

Input: a packed function, its handler and the base image; the words of an installer's commands, if packages are built
inside. Output: a Dockerfile; a digest of all that decides; a folder to build in. Refuses nothing: the package's size
is looked at when it is packed. Source: AWS Lambda Developer Guide, "Deploy Python Lambda functions with container
images" (the code lies in LAMBDA_TASK_ROOT, which is /var/task, and CMD is the handler; in the images of Python 3.12
and later and Node 20 and later `dnf` installs packages of the system, before them `yum` does), "Deploy Go Lambda
functions with container images" (ENTRYPOINT is the program).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from klotho.deploy.functions.go_build import BINARY
from klotho.deploy.functions.inside import COMMANDS, FOLDER, IN_IMAGE

_FORMAT = "1"
"""Raise when the same input should give another image."""
_PACKAGE = "package"
_PROGRAM = f"/var/task/{BINARY}"


def function_dockerfile(base: str, handler: str) -> str:
    """Nothing runs while it is built, so any machine can build it for any processor."""
    return f"FROM {base}\nCOPY {_PACKAGE}/ /var/task/\nCMD {json.dumps([handler])}\n"


def program_dockerfile(base: str) -> str:
    """A program brings its own runtime: nothing of the base's is started."""
    return f"FROM {base}\nCOPY {_PACKAGE}/ /var/task/\nENTRYPOINT {json.dumps([_PROGRAM])}\n"


def hosted_dockerfile(base: str, runtime: str) -> str:
    """The server is the package's; in AWS's images for Node and for programs there is no Python to run it."""
    has_python = runtime.startswith("python")
    python = "python3" if has_python else "python3.12"
    get = [] if has_python else [f"RUN dnf install -y {python} && dnf clean all"]
    start = f"ENTRYPOINT {json.dumps([python, '-m', 'klotho.handler_host'])}"
    words = [_PROGRAM] if runtime.startswith("provided") else []
    return "\n".join([f"FROM {base}", *get, f"COPY {_PACKAGE}/ /var/task/", start, f"CMD {json.dumps(words)}", ""])


def dockerfile_for(properties: Mapping[str, Any], package: Path) -> str:
    """Of an asset `function-image` and its packed function."""
    base, handler = str(properties["base"]), str(properties["handler"])
    runtime = str(properties["runtime"])
    node = runtime.startswith("nodejs")
    if properties.get("hosted"):
        return hosted_dockerfile(base, runtime)
    if runtime.startswith("provided"):
        return program_dockerfile(base)
    if properties.get("build"):
        return building_dockerfile(base, handler, commands_in(package), node=node)
    return function_dockerfile(base, handler)


_COMPILERS = "gcc gcc-c++ make"
"""What packages with machine code are compiled by, from the system's own repository."""


def building_dockerfile(base: str, handler: str, commands: list[list[str]], *, node: bool) -> str:
    """Packages are built on the very system they run on. What built them does not stay in the image."""
    wanted = f"{_COMPILERS} python3" if node else _COMPILERS  # npm's compiler driver is a Python program
    get = f"if command -v dnf >/dev/null; then dnf install -y {wanted}; else yum install -y {wanted}; fi"
    lines = [f"FROM {base} AS built", f"RUN {get}"]
    if node:
        lines.append(f"COPY {_PACKAGE}/ /var/task/")
        tool, copies = ["npm", "rebuild", "--prefix", "/var/task"], ["COPY --from=built /var/task/ /var/task/"]
    else:
        lines.append(f"COPY {FOLDER}/ {IN_IMAGE}/")
        tool = ["python3", "-m", "pip", "install", "--no-cache-dir", "--no-compile", "--target", "/var/built"]
        copies = ["COPY --from=built /var/built/ /var/task/", f"COPY {_PACKAGE}/ /var/task/"]
    lines += [f"RUN {json.dumps([*tool, *words])}" for words in commands]
    return "\n".join([*lines, f"FROM {base}", *copies, f"CMD {json.dumps([handler])}", ""])


def commands_in(package: Path) -> list[list[str]]:
    """The words of the installer's commands that a package brings."""
    with zipfile.ZipFile(package) as archive:
        return [[str(word) for word in words] for words in json.loads(archive.read(COMMANDS))]


def function_inputs(dockerfile: str, package_digest: str, platform: str) -> str:
    """Equal digests mean that nothing needs to be built."""
    return hashlib.sha256("\0".join((_FORMAT, dockerfile, package_digest, platform)).encode()).hexdigest()


@contextmanager
def function_context(dockerfile: str, package: Path) -> Iterator[Path]:
    """A folder with the Dockerfile and the unpacked zip, for as long as the block runs.

    Lambda runs functions as a user of its own: everybody may read what is in it, whatever this machine's umask is.
    """
    with tempfile.TemporaryDirectory(prefix="klotho-image-") as name, zipfile.ZipFile(package) as archive:
        folder = Path(name)
        (folder / "Dockerfile").write_text(dockerfile)
        (folder / _PACKAGE).mkdir()
        for entry in archive.infolist():
            inside = entry.filename.startswith(f"{FOLDER}/")  # what it is built from, not what it ships
            path = Path(archive.extract(entry, folder if inside else folder / _PACKAGE))
            path.chmod((entry.external_attr >> 16) & 0o777 or 0o644)
            os.utime(path, (0, 0))  # a layer's bytes hold times: the same package gives the same layer
        for parent in (*os.walk(folder / _PACKAGE), *os.walk(folder / FOLDER)):
            Path(parent[0]).chmod(0o755)
            os.utime(parent[0], (0, 0))
        yield folder
