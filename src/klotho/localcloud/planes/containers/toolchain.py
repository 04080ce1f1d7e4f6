"""The programs of this machine that stand for images of Python and Node, and the environment of package managers.

Input: a FROM image. Output: a `Base` (language, wanted version, interpreter, note on a version mismatch), None for an
image of something else (`bases.py` knows them all). Refuses, as `ImageError`, a language not installed here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from klotho.localcloud.planes.containers.dockerfile import Instruction

Language = Literal["python", "node", "go", "dotnet", "none"]
"""`none`: an image that runs a program that was built before."""
LANGUAGES: Mapping[Language, str] = {"python": "Python", "node": "Node", "go": "Go", "dotnet": ".NET", "none": "plain"}
"""As a message names them."""
OFFICIAL = r"(?:docker\.io/|public\.ecr\.aws/docker/|registry\.hub\.docker\.com/)?(?:library/)?"
_PYTHON = re.compile(rf"{OFFICIAL}python(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]+)?")
_NODE = re.compile(rf"{OFFICIAL}node(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]+)?")
_UV = re.compile(r"ghcr\.io/astral-sh/uv:(?:[\w.]+-)?python(?P<tag>[\w.-]+)")
UV_BINARIES = re.compile(r"ghcr\.io/astral-sh/uv(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?")
"""The image people copy the `uv` program from."""
SYSTEM_PATH = "/usr/bin:/bin"
_PASSED_ON = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "YARN_", "PNPM_", "POETRY_", "DOTNET_", "NUGET_")
_PASSED_NAMES = frozenset(
    [
        "HOME",
        "LANG",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
    ]
)


@dataclass(frozen=True, slots=True)
class Base:
    """What a process-buildable base image becomes here."""

    language: Language
    interpreter: str
    version: str
    """Of the interpreter here (`3.11`, `20`)."""
    note: str | None
    """What differs from the image, for the log."""
    image: str = ""
    """As FROM names it, for messages."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the image sets before the first instruction, as far as it means something here."""
    workdir: str = "/"
    """Where it begins."""
    shell: bool = True
    """Whether the image has one: without, RUN and the shell form of CMD and ENTRYPOINT end with an error in Docker."""
    library: Literal["glibc", "musl", "none"] = "glibc"
    """The C library that a program which is linked to one finds in the image."""


def base(image: str, instruction: Instruction) -> Base | None:
    """The stand-in for an image of Python or Node; None for another one."""
    python = _PYTHON.fullmatch(image) or _UV.fullmatch(image)
    if python is not None:
        return _python(python["tag"] or "")
    node = _NODE.fullmatch(image)
    return _node(node["tag"] or "", instruction) if node is not None else None


def _python(tag: str) -> Base:
    wanted = re.match(r"3\.\d+", tag)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if wanted is None or wanted[0] == here:
        return Base("python", _own_python(), here, None)
    other = shutil.which(f"python{wanted[0]}")
    if other is not None and _version(other, "import sys; print('%d.%d' % sys.version_info[:2])") == wanted[0]:
        return Base("python", other, wanted[0], None)
    return Base("python", _own_python(), here, f"the image has Python {wanted[0]}, this machine runs it on {here}")


def _own_python() -> str:
    """The interpreter itself rather than a virtual environment's link, so that nothing of Klotho's own leaks in."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)))


@cache
def _version(program: str, code: str) -> str:
    shown = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def _node(tag: str, instruction: Instruction) -> Base:
    program = shutil.which("node")
    if program is None:
        raise instruction.error("there is no Node.js on this machine", "install Node.js (nodejs.org), then try again")
    shown = node_version(program)
    here = shown.lstrip("v").split(".")[0]
    wanted = re.match(r"\d+", tag)
    note = None
    if wanted is not None and wanted[0] != here:
        note = f"the image has Node.js {wanted[0]}, this machine runs it on {here}"
    return Base("node", program, here, note)


@cache
def node_version(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()


@cache
def uv() -> str | None:
    """The `uv` program: the one installed with Klotho, else one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def build_environment(image: Mapping[str, str], path: list[str]) -> dict[str, str]:
    """What a package manager's process gets: the image's variables, this machine's registry and proxy settings.

    `path`: folders to search before the system's.
    """
    passed = {name: value for name, value in os.environ.items() if name in _PASSED_NAMES or name.startswith(_PASSED_ON)}
    own = {name: value for name, value in image.items() if name not in ("PATH", "HOME")}
    return {
        **passed,
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "npm_config_prefer_offline": "true",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **own,
        "PATH": ":".join([*path, *(os.environ.get("PATH") or SYSTEM_PATH).split(":")]),
    }
