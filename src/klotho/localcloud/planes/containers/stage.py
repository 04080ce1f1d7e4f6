"""Executes the instructions of one build stage in a private folder.

Input: a parsed stage, the context, the earlier stages' results. Output: files below `root` and a `StageResult` with the
configuration. Refuses, as `ImageError`, instructions that need the image to run (SHELL, ONBUILD) and
whatever `copying` and `installs` refuse.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from klotho.localcloud.planes.containers import environments
from klotho.localcloud.planes.containers.copying import Source, copy, stage_source
from klotho.localcloud.planes.containers.dockerfile import Instruction, Stage, expand, pairs
from klotho.localcloud.planes.containers.installs import Installer
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.plain import check_shell
from klotho.localcloud.planes.containers.platforms import PLATFORM
from klotho.localcloud.planes.containers.shell_line import CARRIED_HINT, STAGES_HINT, commands
from klotho.localcloud.planes.containers.toolchain import LANGUAGES, SYSTEM_PATH, UV_BINARIES, Base

_SHELL_CHARACTERS = re.compile(r"[$&|;<>()*?\[\]{}~`#!\\]")
_INSTALL_PLACES = re.compile(r"/usr/local(/lib(/python3\.\d+(/site-packages)?)?|/bin)?|/root/\.local|/home/\w+/\.local")
"""Where a real Python image keeps what pip installed: copied from a builder stage, its environment is meant."""


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage's instructions came to."""

    base: Base
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed: tuple[str, ...] = ()
    health_check: str | None = None
    stop_signal: str | None = None
    python_environment: str | None = None
    python_key: str = ""
    notes: tuple[str, ...] = ()


class StageBuilder:
    """One stage while it is built. `root` must exist (empty, or a copy of the stage it is FROM)."""

    def __init__(
        self,
        stage: Stage,
        start: StageResult,
        root: Path,
        context: Source,
        earlier: Callable[[str], tuple[Path, StageResult] | None],
        arguments: Mapping[str, str],
        given: Mapping[str, str],
        cache: Path,
        log: Callable[[str], None],
    ) -> None:
        """`arguments`: the ARGs before FROM; `given`: the build arguments; `earlier` finds a stage built before."""
        self._stage = stage
        self.result = start
        self.root = root
        self.cache = cache
        self.host_path = SYSTEM_PATH
        self._context = context
        self._earlier = earlier
        self._arguments = dict(arguments)
        self._given = given
        self._known: dict[str, str] = {}
        self._log = log
        self._entrypoint_is_shell = False
        self._links: list[Path] = []
        """Folders of the image that are the environment; they follow when it grows."""
        self._installer = Installer(self)

    @property
    def workdir(self) -> str:
        return self.result.workdir

    @property
    def python_environment(self) -> Path | None:
        found = self.result.python_environment
        return Path(found) if found else None

    def variables(self) -> dict[str, str]:
        """ARG and ENV as they stand; ENV wins, as in Docker."""
        return {**self._known, **self.result.environment}

    def log(self, line: str) -> None:
        self._log(line)

    def build(self) -> StageResult:
        """Execute all instructions; `ImageError` at the first that can't be honoured."""
        if self.result.base.note:
            self._note(self.result.base.note)
        for instruction in self._stage.instructions:
            try:
                _STEPS[instruction.keyword](self, instruction)
            except (OSError, ValueError) as error:
                # A path that leads out of the image, a name too long, a full disk: the line is what helps.
                raise instruction.error(str(error), "check the paths of this line") from error
        if self.result.base.language == "python" and self.result.python_environment is None:
            self.extend_python("", None)
        if self._entrypoint_is_shell:
            # The shell form of ENTRYPOINT takes no arguments: Docker leaves CMD out.
            self._set(command=None)
        return self.result

    def extend_python(self, key: str, install: Callable[[Path], None] | None) -> None:
        """Go on with the environment that `install` makes of the present one (from the cache if it is there)."""
        base = self.result.base
        interpreter = base.interpreter if base.language == "python" else ""
        if not interpreter:
            raise self._stage.origin.error(
                f"installs Python packages into a {LANGUAGES[base.language]} image", "use FROM python:3.12-slim"
            )
        whole = environments.key_of(interpreter, base.version, self.result.python_key, key)
        made = environments.python_environment(self.cache, whole, interpreter, self.python_environment, install)
        self._set(python_environment=str(made), python_key=whole)
        for place in self._links:
            place.unlink(missing_ok=True)
            place.symlink_to(made)

    def link_environment(self, place: Path) -> None:
        """Make a folder of the image the stage's virtual environment."""
        if self.python_environment is None:
            self.extend_python("", None)
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        assert self.python_environment is not None
        place.symlink_to(self.python_environment)
        self._links.append(place)

    def _note(self, text: str) -> None:
        self._log(text)
        self._set(notes=(*self.result.notes, text))

    def _set(self, **changes: object) -> None:
        self.result = replace(self.result, **changes)  # type: ignore[arg-type]

    def _expand(self, text: str, instruction: Instruction) -> str:
        return expand(text, self.variables(), instruction)

    def _copy(self, instruction: Instruction) -> None:
        for name in ("chown", "link", "parents"):
            if name == "parents" and instruction.flag(name):
                raise instruction.error("--parents is not carried", "copy the folders one by one")
        arguments = [self._expand(word, instruction) for word in instruction.words()]
        origin = instruction.flag("from")
        if origin is None:
            copy(self._context, instruction, arguments, self.root, self.workdir)
            return
        origin = self._expand(origin, instruction)
        if UV_BINARIES.fullmatch(origin):
            self._log(f"line {instruction.line}: this machine's uv stands for {origin}")
            return
        found = self._earlier(origin)
        if found is None:
            raise instruction.error(
                f"`{origin}` is no earlier stage",
                STAGES_HINT,
            )
        root, result = found
        if result.python_environment and self._adopts(arguments, root, result):
            return
        copy(stage_source(root, origin), instruction, arguments, self.root, self.workdir)
        for target in [*self.root.rglob("*")] if result.python_environment else ():
            if target.is_symlink() and str(target.readlink()) == result.python_environment:
                self._set(python_environment=result.python_environment, python_key=result.python_key)
                break

    def _adopts(self, arguments: list[str], root: Path, result: StageResult) -> bool:
        """Whether what is copied are the packages pip installed in that stage, which are its environment here."""
        sources = [posixpath.normpath(source) for source in arguments[:-1]]
        if not all(_INSTALL_PLACES.fullmatch(source) for source in sources):
            return False
        self._set(python_environment=result.python_environment, python_key=result.python_key)
        return not any((root / source.strip("/")).exists() for source in sources)

    def _run(self, instruction: Instruction) -> None:
        check_shell(instruction, self.result.base)
        mounts = [value for name, value in instruction.flags if name == "mount"]
        lent = [path for mount in mounts for path in self._mount(instruction, mount)]
        try:
            for command in commands(instruction, self.variables()):
                self._installer.run(instruction, command)
        finally:
            for path in lent:
                if path.is_dir() and not path.is_symlink():
                    with contextlib.suppress(OSError):  # the line has made files in it, which stay
                        path.rmdir()
                else:
                    path.unlink(missing_ok=True)

    def _mount(self, instruction: Instruction, mount: str) -> list[Path]:
        """What a bind mount of the context lends for the one line, deepest first; a cache mount has no meaning here."""
        options = dict(part.partition("=")[::2] for part in mount.split(","))
        kind = options.get("type", "bind")
        if kind == "cache":
            return []
        source, target = options.get("source", options.get("src", ".")), options.get("target", options.get("dst"))
        if kind != "bind" or "from" in options or target is None:
            raise instruction.error(f"--mount={mount} is not carried", CARRIED_HINT)
        place = inside(self.root, target, self.workdir)
        if place.is_file():
            return []
        before = set(place.rglob("*")) if place.is_dir() else set()
        written = copy(self._context, instruction, [source, target], self.root, self.workdir)
        below = {path for top in written for path in (top.rglob("*") if top.is_dir() else [top])}
        return sorted(below - before, key=lambda path: len(path.parts), reverse=True)

    def _env(self, instruction: Instruction) -> None:
        fresh = {name: self._expand(value, instruction) for name, value in pairs(instruction)}
        self._set(environment={**self.result.environment, **fresh})

    def _arg(self, instruction: Instruction) -> None:
        for name, default in pairs(instruction):
            outer = self._arguments.get(name) if "=" not in instruction.text else None
            value = outer if outer is not None else self._expand(default, instruction) or PLATFORM.get(name, "")
            self._known[name] = self._given.get(name, value)

    def _workdir(self, instruction: Instruction) -> None:
        path = posixpath.normpath(
            posixpath.join(self.workdir, self._expand(" ".join(instruction.words()), instruction))
        )
        self._set(workdir=path)
        inside(self.root, path).mkdir(parents=True, exist_ok=True)

    def _cmd(self, instruction: Instruction) -> None:
        check_shell(instruction, self.result.base)
        self._set(command=tuple(_program(instruction)))

    def _entrypoint(self, instruction: Instruction) -> None:
        check_shell(instruction, self.result.base)
        self._entrypoint_is_shell = instruction.listed() is None
        self._set(entrypoint=tuple(_program(instruction)))

    def _label(self, instruction: Instruction) -> None:
        fresh = {name: self._expand(value, instruction) for name, value in pairs(instruction)}
        self._set(labels={**self.result.labels, **fresh})

    def _expose(self, instruction: Instruction) -> None:
        ports = [self._expand(word, instruction) for word in instruction.words()]
        self._set(exposed=(*self.result.exposed, *ports))

    def _user(self, instruction: Instruction) -> None:
        self._set(user=self._expand(instruction.text, instruction))

    def _stop_signal(self, instruction: Instruction) -> None:
        self._set(stop_signal=self._expand(instruction.text, instruction))

    def _health_check(self, instruction: Instruction) -> None:
        self._set(health_check=None if instruction.text.upper() == "NONE" else instruction.text)

    def _volume(self, instruction: Instruction) -> None:
        for path in instruction.words():
            inside(self.root, self._expand(path, instruction), self.workdir).mkdir(parents=True, exist_ok=True)

    def _maintainer(self, instruction: Instruction) -> None:
        self._set(labels={**self.result.labels, "maintainer": instruction.text})

    def _refuse(self, instruction: Instruction) -> None:
        raise instruction.error(f"{instruction.keyword} is not carried", CARRIED_HINT)


def _program(instruction: Instruction) -> list[str]:
    """The argument list of CMD or ENTRYPOINT.

    The shell form runs under `/bin/sh -c` in a container, and does here where it uses the shell; a plain command line
    is split instead, so that signals reach the program itself.
    """
    listed = instruction.listed()
    if listed is not None:
        return listed
    text = instruction.text.removeprefix("exec ")
    if _SHELL_CHARACTERS.search(text) or "=" in text.split(" ", 1)[0]:
        return ["/bin/sh", "-c", instruction.text]
    try:
        return shlex.split(text)
    except ValueError:
        return ["/bin/sh", "-c", instruction.text]


_STEPS: Mapping[str, Callable[[StageBuilder, Instruction], None]] = {
    "ADD": StageBuilder._copy,
    "ARG": StageBuilder._arg,
    "CMD": StageBuilder._cmd,
    "COPY": StageBuilder._copy,
    "ENTRYPOINT": StageBuilder._entrypoint,
    "ENV": StageBuilder._env,
    "EXPOSE": StageBuilder._expose,
    "HEALTHCHECK": StageBuilder._health_check,
    "LABEL": StageBuilder._label,
    "MAINTAINER": StageBuilder._maintainer,
    "ONBUILD": StageBuilder._refuse,
    "RUN": StageBuilder._run,
    "SHELL": StageBuilder._refuse,
    "STOPSIGNAL": StageBuilder._stop_signal,
    "USER": StageBuilder._user,
    "VOLUME": StageBuilder._volume,
    "WORKDIR": StageBuilder._workdir,
}
