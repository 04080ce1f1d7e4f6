"""Whether a Dockerfile can be made into an image here, told before anything is built.

Input: a context, its Dockerfile and build arguments. Output: nothing. Refuses, as `ImageError` with the line, what
`image.build_image` would refuse whatever the files are: instructions, base images and RUN commands that are not
carried. What depends on the files or on a package registry (a COPY of what is not there, a package that does not
exist) shows when the image is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from klotho.localcloud.planes.containers.bases import base
from klotho.localcloud.planes.containers.dockerfile import (
    Dockerfile,
    ImageError,
    Instruction,
    Stage,
    expand,
    pairs,
    parse,
)
from klotho.localcloud.planes.containers.installs import check
from klotho.localcloud.planes.containers.plain import check_shell
from klotho.localcloud.planes.containers.platforms import PLATFORM
from klotho.localcloud.planes.containers.shell_line import CARRIED_HINT, STAGES_HINT, commands
from klotho.localcloud.planes.containers.toolchain import UV_BINARIES, Base


def validate_image(context: Path, dockerfile: Path, build_args: Mapping[str, str] | None = None) -> None:
    """`ImageError` for the first line that can't be honoured; milliseconds, and nothing is written or run."""
    if not context.is_dir():
        raise ImageError(0, "context", f"{context} is no folder", "check context= in the program")
    if not dockerfile.is_file():
        raise ImageError(0, "dockerfile", f"{dockerfile} does not exist", "write a Dockerfile, or check dockerfile=")
    parsed = parse(dockerfile.read_bytes().decode("utf-8", "replace"))
    _Validation(parsed, build_args or {}).stage(parsed.stages[-1])


class _Validation:
    """Walks the stages that the last one needs, as the build does."""

    def __init__(self, dockerfile: Dockerfile, given: Mapping[str, str]) -> None:
        self._dockerfile = dockerfile
        self._given = given
        self._outer: dict[str, str] = {}
        for instruction in dockerfile.arguments:
            for name, default in pairs(instruction):
                self._outer[name] = given.get(name, expand(default, self._outer, instruction))
        self._bases: dict[int, Base] = {}
        self._variables: dict[int, dict[str, str]] = {}
        """By stage: what ENV has set, which the stages made from it inherit."""

    def stage(self, stage: Stage) -> dict[str, str]:
        if stage.index not in self._variables:
            image = expand(stage.base, self._outer, stage.origin)
            parent = self._dockerfile.stage(image)
            if parent is not None and parent.index < stage.index:
                environment = dict(self.stage(parent))
                self._bases[stage.index] = self._bases[parent.index]
            else:
                self._bases[stage.index] = base(image, stage.origin)
                environment = dict(self._bases[stage.index].environment)
            self._variables[stage.index] = environment
            arguments: dict[str, str] = {}
            for instruction in stage.instructions:
                self._instruction(stage, instruction, arguments, environment)
        return self._variables[stage.index]

    def _instruction(
        self, stage: Stage, instruction: Instruction, arguments: dict[str, str], environment: dict[str, str]
    ) -> None:
        known = {**arguments, **environment}
        match instruction.keyword:
            case "ONBUILD" | "SHELL":
                raise instruction.error(f"{instruction.keyword} is not carried", CARRIED_HINT)
            case "RUN":
                check_shell(instruction, self._bases[stage.index])
                for command in commands(instruction, known):
                    check(instruction, command, self._bases[stage.index])
            case "CMD" | "ENTRYPOINT":
                check_shell(instruction, self._bases[stage.index])
            case "ENV":
                environment.update((name, expand(value, known, instruction)) for name, value in pairs(instruction))
            case "ARG":
                for name, default in pairs(instruction):
                    outer = self._outer.get(name) if "=" not in instruction.text else None
                    value = (
                        outer if outer is not None else expand(default, known, instruction) or PLATFORM.get(name, "")
                    )
                    arguments[name] = self._given.get(name, value)
            case "COPY" | "ADD":
                self._copy(stage, instruction, known)

    def _copy(self, stage: Stage, instruction: Instruction, known: Mapping[str, str]) -> None:
        if instruction.flag("parents"):
            raise instruction.error("--parents is not carried", "copy the folders one by one")
        origin = instruction.flag("from")
        if origin is None:
            return
        name = expand(origin, known, instruction)
        found = self._dockerfile.stage(name)
        if found is not None and found.index < stage.index:
            self.stage(found)
        elif not UV_BINARIES.fullmatch(name):
            raise instruction.error(
                f"`{name}` is no earlier stage",
                STAGES_HINT,
            )
