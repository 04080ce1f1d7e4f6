"""Whether an image can be built here, from its Dockerfile alone: before anything is built or deployed.

Input: a context, its Dockerfile and build arguments. Output: nothing. Refuses, as the `ImageError` that building would
raise, an unreadable Dockerfile, a base image, an instruction or a command of a RUN line that is not carried, in the
stages the last one needs. Writes nothing and runs nothing of the image; what depends on files or on a package manager
is found when the image is built.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from klotho.localcloud.planes.containers.dockerfile import (
    Dockerfile,
    ImageError,
    Instruction,
    Stage,
    expand,
    pairs,
    parse,
)
from klotho.localcloud.planes.containers.installs import is_carried
from klotho.localcloud.planes.containers.shell_line import ENGINE_HINT, commands
from klotho.localcloud.planes.containers.toolchain import base

_REFUSED = frozenset({"ONBUILD", "SHELL"})


def validate_image(context: Path, dockerfile: Path, build_args: Mapping[str, str] | None = None) -> None:
    """`ImageError` for what is certain not to build; `build_args` as for `build_image`."""
    if not context.is_dir():
        raise ImageError(0, "context", f"{context} is no folder", "check context= in the program")
    if not dockerfile.is_file():
        raise ImageError(0, "dockerfile", f"{dockerfile} does not exist", "write a Dockerfile, or check dockerfile=")
    _Reader(parse(dockerfile.read_bytes().decode("utf-8", "replace")), build_args or {}).read()


class _Reader:
    """Goes through the stages from the last one, as building does."""

    def __init__(self, dockerfile: Dockerfile, given: Mapping[str, str]) -> None:
        self._dockerfile = dockerfile
        self._given = given
        self._outer: dict[str, str] = {}
        for instruction in dockerfile.arguments:
            for name, default in pairs(instruction):
                self._outer[name] = given.get(name, expand(default, self._outer, instruction))
        self._environments: dict[int, dict[str, str]] = {}
        """ENV at the end of each stage that was read."""

    def read(self) -> None:
        self._stage(self._dockerfile.stages[-1])

    def _stage(self, stage: Stage) -> dict[str, str]:
        if stage.index not in self._environments:
            image = expand(stage.base, self._outer, stage.origin)
            parent = self._earlier(stage, image)
            if parent is None:
                base(image, stage.origin)
            known = dict(self._stage(parent)) if parent is not None else {}
            self._environments[stage.index] = self._instructions(stage, known)
        return self._environments[stage.index]

    def _earlier(self, stage: Stage, name: str) -> Stage | None:
        found = self._dockerfile.stage(name)
        return found if found is not None and found.index < stage.index else None

    def _instructions(self, stage: Stage, environment: dict[str, str]) -> dict[str, str]:
        arguments: dict[str, str] = {}
        for instruction in stage.instructions:
            known = {**arguments, **environment}
            if instruction.keyword in _REFUSED:
                raise instruction.error(f"{instruction.keyword} is not carried", ENGINE_HINT)
            if instruction.keyword == "ENV":
                environment.update({name: expand(value, known, instruction) for name, value in pairs(instruction)})
            elif instruction.keyword == "ARG":
                arguments.update(self._arguments(instruction, known))
            elif instruction.keyword == "RUN":
                _check_run(instruction, known)
            elif instruction.keyword in ("COPY", "ADD"):
                origin = self._earlier(stage, expand(instruction.flag("from") or "", known, instruction))
                if origin is not None:
                    self._stage(origin)
        return environment

    def _arguments(self, instruction: Instruction, known: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for name, default in pairs(instruction):
            outer = self._outer.get(name) if "=" not in instruction.text else None
            found[name] = self._given.get(name, outer if outer is not None else expand(default, known, instruction))
        return found


def _check_run(instruction: Instruction, variables: Mapping[str, str]) -> None:
    for command in commands(instruction, variables):
        words = list(command.words)
        if words and not is_carried(posixpath.basename(words[0]), words[1:]):
            raise instruction.error(f"`{' '.join(words)[:60]}` is not carried", ENGINE_HINT)
