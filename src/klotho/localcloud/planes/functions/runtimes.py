"""How each Lambda runtime is started on this machine.

Input: a runtime's name. Output: the command and the environment of a worker. Refuses, by name and with what to
install, a runtime that is not carried and one whose interpreter is missing.

Python: `python3.11` to `python3.13` are all run by the interpreter Klotho itself runs on (its version is said in the
log's INIT_START line and in `status`). It is started without its site-packages (`-S`), so a function sees the standard
library, what its package brings, and what AWS's runtime brings: boto3 with its dependencies and the runtime interface
client. They come last in the search order, as on AWS: a boto3 in the package wins. Nothing else of Klotho's own
dependencies can be imported.

Node: `nodejs20.x`, `22.x` and `24.x` are all run by the `node` on PATH through `bootstrap.mjs`, which needs no package.
AWS's Node runtimes bring the AWS SDK for JavaScript v3; this machine does not: package it.

Programs (`provided.al2023`, which Go functions have) bring their own runtime: the package's `bootstrap` is started, or
that of a layer. Source: AWS Lambda Developer Guide, "Building a custom runtime for AWS Lambda".
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

CONTAINER = "container"
"""Stands for the runtime of a container, which brings its own."""
PYTHON = ("python3.11", "python3.12", "python3.13")
NODE = ("nodejs20.x", "nodejs22.x", "nodejs24.x")
PROGRAM = ("provided.al2023",)
OLDEST_NODE = 18

_ELF_HEADER_BYTES = 20
_MACHINES = {0x3E: ("x86_64", "amd64"), 0xB7: ("arm64", "aarch64")}
"""Names of processors by the ELF specification's e_machine; both are little-endian."""
_CLIENT_MODULES = ("awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")
_SDK_MODULES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


class RuntimeUnavailableError(Exception):
    """The runtime can't be run on this machine; the text says what to install or choose."""


def require(runtime: str) -> None:
    """Raise `RuntimeUnavailableError` unless functions of this runtime can run here."""
    if runtime == CONTAINER or runtime in PROGRAM:
        return
    if runtime in NODE:
        node_executable()
    elif runtime in PYTHON:
        _locate(_CLIENT_MODULES[0])
    else:
        carried = ", ".join((*PYTHON, *NODE, *PROGRAM))
        raise RuntimeUnavailableError(f"the local cloud does not run the runtime {runtime}; it runs {carried}")


@cache
def node_executable() -> str:
    """The `node` on PATH."""
    found = shutil.which("node")
    if found is None:
        raise RuntimeUnavailableError(
            f"Node.js is not installed on this machine: install Node.js {OLDEST_NODE + 2} or newer "
            "(https://nodejs.org) and see that `node` is on PATH"
        )
    return found


@cache
def node_version() -> str:
    done = subprocess.run([node_executable(), "--version"], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip().removeprefix("v")


def says(runtime: str) -> str:
    """What really runs it: `Python 3.12.4` for python3.13."""
    if runtime == CONTAINER:
        return "what its image starts"
    if runtime in PROGRAM:
        return "its own program"
    return f"Node.js {node_version()}" if runtime in NODE else f"Python {platform.python_version()}"


def command(runtime: str, handler: str, code: Path, packages: Path, opt: Path | None = None) -> list[str]:
    """The worker's argument list; `code` is the package, `packages` what `python_packages` made, `opt` what layers
    hold. `RuntimeUnavailableError`, in AWS's words, for a package without a program."""
    here = Path(__file__).parent
    if runtime in PROGRAM:
        return [str(_program(code, opt))]
    if runtime in NODE:
        return [node_executable(), str(here / "bootstrap.mjs"), handler]
    # The interpreter behind the virtual environment: the environment's own would show its site-packages to
    # anything the function starts with `sys.executable`.
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    return [interpreter, "-S", str(here / "bootstrap.py"), handler, str(packages), str(opt or "")]


def _program(code: Path, opt: Path | None) -> Path:
    for folder, name in ((code, "/var/task"), (opt, "/opt")):
        if folder is not None and os.access(folder / "bootstrap", os.X_OK):
            _refuse_other_processor(folder / "bootstrap", f"{name}/bootstrap")
            return folder / "bootstrap"
    raise RuntimeUnavailableError("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def _refuse_other_processor(program: Path, name: str) -> None:
    """The event loop would hand what the system does not run to a shell."""
    with program.open("rb") as file:
        header = file.read(_ELF_HEADER_BYTES)
    machine = int.from_bytes(header[18:20], "little") if header[:4] == b"\x7fELF" else 0
    if header[:2] == b"#!" or sys.platform != "linux" or platform.machine() in _MACHINES.get(machine, ()):
        return
    why = f" (it is for {_MACHINES[machine][0]}, this machine is {platform.machine()})" if machine in _MACHINES else ""
    raise RuntimeUnavailableError(f"fork/exec {name}: exec format error{why}")


def path_variable(runtime: str) -> str:
    """PATH of a worker: its interpreter's folder and the system's."""
    if runtime in PROGRAM:
        return os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin", "/opt/bin"])
    interpreter = node_executable() if runtime in NODE else getattr(sys, "_base_executable", sys.executable)
    return os.pathsep.join([str(Path(interpreter).parent), "/usr/local/bin", "/usr/bin", "/bin", "/opt/bin"])


def python_packages(folder: Path) -> Path:
    """A folder that shows exactly what AWS's Python runtime brings, as links to what is installed here."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for entry in folder.iterdir():
        # Links to what was installed last time, and the __pycache__ that Python keeps beside single modules.
        if entry.is_symlink():
            entry.unlink()
        else:
            shutil.rmtree(entry)
    for name in (*_CLIENT_MODULES, *_SDK_MODULES):
        source = _locate(name)
        (folder / source.name).symlink_to(source)
    return folder


def _locate(module: str) -> Path:
    """The file or folder of a top-level module, without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise RuntimeUnavailableError(
            f"Python functions need the package that brings `{module}`: pip install 'klotho[local]'"
        )
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
