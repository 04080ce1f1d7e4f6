"""The container engine of this machine: docker, podman or buildah, the first one that works.

Input: a context and a platform. Output: an image, pushed. Refuses (`Failure`) a machine without an engine
(`container-engine-missing`), and says a build's or a push's own last lines when it fails (`image-not-built`,
`image-not-pushed`). Credentials go by a file that only the user can read, never by the command line.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from klotho.diagnostics import Failure, Span

Log = Callable[[str], None]

BUILD_SECONDS = 3600.0
"""A build that takes longer hangs."""
_PROBE_SECONDS = 20.0
_LAST_LINES = 20
_PROBES = {
    # The client alone is no engine: each is asked for what only a working one can tell.
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Host.Arch}}"),
    "buildah": ("info",),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a registry, for some hours."""

    registry: str
    """Host and, where it is not the usual one, port."""
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that builds and pushes."""

    name: str
    program: str

    def build(
        self, context: Path, dockerfile: Path, arguments: Mapping[str, str], platform: str, reference: str, log: Log,
        at: Span | None = None, contexts: Mapping[str, Path] | None = None,
    ) -> None:  # fmt: skip
        """Build for `linux/arm64` or `linux/amd64` and name the result `reference`. `contexts`: folders that the
        Dockerfile copies from, by name."""
        named = [word for name, folder in (contexts or {}).items() for word in ("--build-context", f"{name}={folder}")]
        given = [word for name, value in sorted(arguments.items()) for word in ("--build-arg", f"{name}={value}")]
        command = [
            self.program, "build", "--platform", platform, "--file", str(dockerfile), "--tag", reference, *named,
            *given, str(context),
        ]  # fmt: skip
        # One image instead of an index of an image and a note about it: what is pinned is what runs.
        said = self._run(command, {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}, log)
        if said is not None:
            raise Failure(
                "image-not-built",
                f"{self.name} could not build the image for {platform}",
                at=at,
                notes=said,
                helps=(_other_platform(said, platform), _too_old(said)),
            )

    def push(self, reference: str, credentials: Credentials, log: Log) -> None:
        with _file_of(credentials) as folder:
            if self.name == "docker":
                # The folder of settings also says where the daemon is: asked for before it is another folder.
                command = [self.program, *self._daemon(), "--config", str(folder), "push", reference]
            else:
                command = [self.program, "push", "--authfile", str(folder / "config.json"), reference]
            said = self._run(command, {}, log)
        if said is not None:
            raise Failure(
                "image-not-pushed",
                f"{self.name} could not push the image to {credentials.registry}",
                notes=said,
                helps=("run the command again: layers that are there already are not sent twice",),
            )

    def _daemon(self) -> tuple[str, ...]:
        """Where docker's daemon listens, as the user's own settings say."""
        if os.environ.get("DOCKER_HOST"):
            return ()
        command = [self.program, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
        host = done.stdout.strip()
        return ("--host", host) if done.returncode == 0 and host else ()

    def _run(self, command: list[str], environment: Mapping[str, str], log: Log) -> tuple[str, ...] | None:
        """The last lines of a command that failed."""
        log(f"{self.name} {command[-1] if 'push' in command else 'build'}")
        try:
            done = subprocess.run(
                command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=BUILD_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return (f"it took longer than {BUILD_SECONDS / 60:.0f} minutes and was stopped",)
        if done.returncode == 0:
            return None
        return tuple(line for line in done.stdout.splitlines() if line.strip())[-_LAST_LINES:] or ("it said nothing",)


def find_engine() -> Engine:
    """The first engine that works; Failure (`container-engine-missing`) that says what was tried."""
    tried = []
    for name, probe in _PROBES.items():
        program = shutil.which(name)
        if program is None:
            tried.append(f"{name}: not installed")
            continue
        said = _probed(program, probe)
        if said is None:
            return Engine(name, program)
        tried.append(f"{name}: {said}")
    raise Failure(
        "container-engine-missing",
        "images for AWS are built by a container engine, and none works on this machine",
        notes=tuple(tried),
        helps=("install Docker (docs.docker.com), Podman (podman.io) or Buildah, or start the one you have",),
    )


def _probed(program: str, probe: tuple[str, ...]) -> str | None:
    """What is wrong with it; None when it works."""
    try:
        done = subprocess.run(
            [program, *probe],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not answer"
    if done.returncode == 0:
        return None
    said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return said[-1] if said else f"ended with exit code {done.returncode}"


@contextmanager
def _file_of(credentials: Credentials) -> Iterator[Path]:
    """A folder with the `config.json` all three engines read; Source: docs.docker.com, `docker login`, file format."""
    pair = base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
    with tempfile.TemporaryDirectory(prefix="klotho-registry-") as name:  # readable for this user only
        folder = Path(name)
        file = os.open(folder / "config.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as out:
            json.dump({"auths": {credentials.registry: {"auth": pair}}}, out)
        yield folder


def _too_old(said: tuple[str, ...]) -> str | None:
    """Sources: release notes of buildx 0.8, which Docker 23 builds by, of Podman 4.2 and Buildah 1.27."""
    if not any("unknown flag: --build-context" in line for line in said):
        return None
    return "take a newer engine: Docker 23 (or buildx 0.8, without DOCKER_BUILDKIT=0), Podman 4.2 or Buildah 1.27"


def _other_platform(said: tuple[str, ...], platform: str) -> str | None:
    """Advice for the usual reason on a machine of the other kind."""
    if not any("exec format error" in line.casefold() for line in said):
        return None
    return (
        f"this machine can't run programs of {platform}: install QEMU's user emulation (`docker run --privileged "
        "--rm tonistiigi/binfmt --install all`, or the package qemu-user-static), or choose this machine's kind by "
        "`architecture=` of the container"
    )
