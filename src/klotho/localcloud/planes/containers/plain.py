"""Images that bring no language: they run a program that was built in an earlier stage, or lies in the context.

Input: a FROM image; a finished image's folder and what it starts. Output: a `Base`. Refuses, as `ImageError`, what such
an image could not do in a container: to run something that is not in it, a program that is linked to a C library that
it does not have, the shell form without a shell, RUN lines of its package manager (`installs.check`).

Sources: the images' own documentation (github.com/GoogleContainerTools/distroless, "Base", "Static"), the Lambda
Developer Guide ("Deploy Go Lambda functions with container images") for `provided`, elf(5) for `PT_INTERP`.
"""

from __future__ import annotations

import posixpath
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from klotho.localcloud.planes.containers.dockerfile import Instruction, Stage
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.toolchain import OFFICIAL, Base

if TYPE_CHECKING:
    from klotho.localcloud.planes.containers.stage import StageResult

_TAG = r"(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]+)?"
IMAGE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PLAIN_HINT = (
    "Klotho makes images without a container engine: in an image without a language RUN carries mkdir, rm, touch and "
    "chmod; gcr.io/distroless/static has certificates and time zones, anything else COPY into it"
)
"""Said of every other RUN line there: of package managers above all."""
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "env"})
_ELF_64 = b"\x7fELF\x02\x01"
_PT_INTERP = 3


class _Kind(NamedTuple):
    image: re.Pattern[str]
    shell: bool
    library: Literal["glibc", "musl", "none"]
    workdir: str = "/"


_KINDS = (
    _Kind(re.compile("scratch"), False, "none"),
    _Kind(re.compile(rf"gcr\.io/distroless/static(?:-debian\d+)?{_TAG}"), False, "none"),
    _Kind(re.compile(rf"gcr\.io/distroless/(?:base|base-nossl|cc)(?:-debian\d+)?{_TAG}"), False, "glibc"),
    _Kind(re.compile(rf"{OFFICIAL}alpine{_TAG}"), True, "musl"),
    _Kind(re.compile(rf"{OFFICIAL}debian{_TAG}"), True, "glibc"),
    _Kind(re.compile(rf"{OFFICIAL}busybox{_TAG}"), True, "none"),
    _Kind(re.compile(rf"public\.ecr\.aws/lambda/provided{_TAG}"), True, "glibc", "/var/task"),
)


def base(image: str, _instruction: Instruction) -> Base | None:
    """The stand-in for one of these images; None for another one."""
    for kind in _KINDS:
        found = kind.image.fullmatch(image)
        if found is not None:
            # Distroless has a variant with a shell for looking around.
            shell = kind.shell or "debug" in (found.groupdict().get("tag") or "")
            return Base("none", "", "", None, image, {}, kind.workdir, shell, kind.library)
    return None


def check_shell(instruction: Instruction, found: Base) -> None:
    """`ImageError` for RUN, CMD and ENTRYPOINT that need a shell in an image without one."""
    if found.shell or (instruction.keyword != "RUN" and instruction.listed() is not None):
        return
    hint = (
        "do it in an earlier stage and COPY --from it"
        if instruction.keyword == "RUN"
        else f'write it as a list: {instruction.keyword} ["/app"]'
    )
    raise instruction.error(f"`{found.image}` has no shell to run it with", hint)


def check_program(stage: Stage, root: Path, config: StageResult) -> None:
    """`ImageError` if what a finished image starts is not in it, or can't be loaded there."""
    words = [*(config.entrypoint or ()), *(config.command or ())]
    started = next((i for i in reversed(stage.instructions) if i.keyword in ("ENTRYPOINT", "CMD")), stage.origin)
    if config.base.language != "none" or not words:
        return
    image = config.base.image
    if "/lambda/provided" in image and config.entrypoint is None:
        raise started.error(
            f"`{image}` starts an entrypoint of its own, which takes CMD for a handler",
            'name the program by ENTRYPOINT ["/var/task/app"]',
        )
    program = _program(words[0], root, config)
    if program is None:
        if config.base.shell and posixpath.basename(words[0]) in _SHELLS:
            return
        raise started.error(
            f"`{words[0]}` is not in the image", f"of `{image}` only what is copied into it runs here: COPY it"
        )
    _check_library(program, words[0], config.base, started)


def _program(word: str, root: Path, config: StageResult) -> Path | None:
    """The program's file in the image."""
    if "/" in word:
        places = [posixpath.join(config.workdir, word)]
    else:
        places = [f"{folder}/{word}" for folder in config.environment.get("PATH", IMAGE_PATH).split(":")]
    return next((path for path in (inside(root, place) for place in places) if path.is_file()), None)


def _check_library(program: Path, word: str, found: Base, started: Instruction) -> None:
    loader = _loader(program)
    wanted = "" if loader is None else "musl" if "musl" in loader else "glibc"
    if not wanted or wanted == found.library:
        return
    raise started.error(
        f"`{word}` is linked to the C library ({wanted}), which `{found.image}` does not have",
        "build a static program (of Go: RUN CGO_ENABLED=0 go build), or take an image that has the library",
    )


def _loader(program: Path) -> str | None:
    """The dynamic loader that a program asks for; None for a static one and for what is no 64-bit ELF file."""
    with program.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or not header.startswith(_ELF_64):
            return None
        offset, size, count = (
            struct.unpack_from("<Q", header, 32)[0],
            *struct.unpack_from("<HH", header, 54),
        )
        for index in range(count):
            file.seek(offset + index * size)
            entry = file.read(56)
            if len(entry) == 56 and struct.unpack_from("<I", entry)[0] == _PT_INTERP:
                place, length = struct.unpack_from("<Q", entry, 8)[0], struct.unpack_from("<Q", entry, 32)[0]
                file.seek(place)
                return file.read(min(length, 4096)).rstrip(b"\0").decode("utf-8", "replace")
    return None
