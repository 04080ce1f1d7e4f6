"""What a FROM image becomes on this machine.

Input: the image. Output: its `Base`. Refuses, as `ImageError`: an image that no program of this machine can stand for,
a language that is not installed here.
"""

from __future__ import annotations

from klotho.localcloud.planes.containers import dotnet, golang, plain, toolchain
from klotho.localcloud.planes.containers.dockerfile import Instruction
from klotho.localcloud.planes.containers.toolchain import Base


def base(image: str, instruction: Instruction) -> Base:
    """The stand-in for a base image; `ImageError` for one there is none for."""
    for known in (toolchain.base, golang.base, dotnet.base, plain.base):
        found = known(image, instruction)
        if found is not None:
            return found
    raise instruction.error(
        f"the base image `{image}` can't stand on this machine's programs",
        "Klotho makes images without a container engine; FROM takes images of Python (python:*), Node (node:*), Go "
        "(golang:*) and .NET (mcr.microsoft.com/dotnet/*), and scratch, distroless, alpine, debian, busybox and "
        "lambda/provided for programs built in an earlier stage: begin with one of them",
    )
