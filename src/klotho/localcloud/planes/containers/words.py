"""What starts a container's program: the definition's words over the image's, as on this machine.

Input: a task, its image, the PATH and the folder it works in. Output: the argument list. Raises `NothingToRunError` for
an image that says nothing, and for a program that is not in it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from klotho.localcloud.planes.containers.definition import TaskSpec
from klotho.localcloud.planes.containers.image import Image
from klotho.localcloud.planes.containers.paths import rewritten


class NothingToRunError(Exception):
    """The text says why."""


def argv(task: TaskSpec, image: Image, path: str, folder: Path) -> list[str]:
    """The program and its arguments: the definition's words win over the image's, as in Docker."""
    config = image.config
    entrypoint = task.entrypoint or config.entrypoint or ()
    command = task.command or (() if task.entrypoint else config.command) or ()
    words = [*entrypoint, *command]
    if not words:
        raise NothingToRunError("there is nothing to run; add CMD to the Dockerfile")
    root = image.root
    program, *arguments = [rewritten(word, root) for word in words]
    if program.startswith("/") and not Path(program).exists():
        # `/usr/local/bin/python` of the base image is this machine's interpreter.
        program = Path(program).name
    found = shutil.which(program if "/" not in program else str(folder / program), path=path)
    if found is None:
        shown = path.replace(str(root), "")
        raise NothingToRunError(f"`{words[0]}` is not in the image, or not executable (PATH: {shown})")
    return [found, *arguments]
