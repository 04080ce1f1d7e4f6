"""What machine code and packages are made for: this machine, or AWS Lambda.

A value the driver hands in; nothing guesses it. Everything that is built for a target is cached under its `key`, so
that a zip made for this machine never reaches AWS.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import Literal

from klotho.catalogue.tables import table

Architecture = Literal["arm64", "x86_64"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where functions and images will run."""

    platform: Literal["host", "lambda"]
    """`host`: this machine's Python and packages; `lambda`: Linux as AWS runs it, with the runtime's Python."""
    architectures: tuple[Architecture, ...] = ("arm64", "x86_64")
    """On `lambda`, tried in this order: the first one all packages exist for. Arm costs a fifth less."""

    def python(self, runtime: str) -> str:
        """The version packages are chosen for: `3.12` of `python3.12`; on this machine the one that is here."""
        return ".".join(map(str, sys.version_info[:2])) if self.is_host else runtime.removeprefix("python")

    def wheels(self, runtime: str, architecture: Architecture) -> str:
        """uv's name of the platform: the newest C library the runtime's system has decides which wheels run there."""
        machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
        return f"{machine}-{table('lambda')['runtimes'][runtime]['wheels']}"

    @property
    def node(self) -> tuple[str, str]:
        """Node's names of the system and processor npm packages are chosen for: `linux`, `arm64`."""
        machine = platform.machine().lower() if self.is_host else self.architectures[0]
        return sys.platform if self.is_host else "linux", "arm64" if machine in ("arm64", "aarch64") else "x64"

    @property
    def go(self) -> tuple[str, str]:
        """Go's names of the system and processor a program is compiled for: `linux`, `arm64`."""
        system, processor = self.node
        return system, "arm64" if processor == "arm64" else "amd64"

    @property
    def is_host(self) -> bool:
        return self.platform == "host"

    def key(self, runtime: str) -> str:
        """Equal keys mean that the same packages fit."""
        if self.is_host:
            language = self.python(runtime) if runtime.startswith("python") else "node"
            return f"host {sys.platform} {platform.machine()} {language}"
        return f"lambda {runtime} {' '.join(self.architectures)}"


HOST = Target("host")
LAMBDA = Target("lambda")
