"""RUN lines of package managers, and the few harmless commands around them.

Input: the commands of a RUN line and the stage they run in. Output: a cached environment or files in the stage.
Refuses, as `ImageError` with the line: every other command, because nothing of an image runs on this machine silently.

Honoured: `pip install`, `python -m pip install`, `python -m venv`, `uv pip install`, `uv sync`, `uv venv`,
`poetry install`, `npm`, `npx`, `pnpm`, `yarn`, `go` (`golang.py`), `dotnet` (`dotnet.py`). Done without running
anything: `mkdir`, `rm`, `touch`, `chmod`. Noted and passed over, since a process has the user's own identity: `chown`,
`chgrp`, making users and groups.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.planes.containers import dotnet, environments, golang
from klotho.localcloud.planes.containers.dockerfile import Instruction, SourceMistake
from klotho.localcloud.planes.containers.paths import inside
from klotho.localcloud.planes.containers.plain import PLAIN_HINT
from klotho.localcloud.planes.containers.shell_line import CARRIED_HINT, Command
from klotho.localcloud.planes.containers.toolchain import LANGUAGES, Base, build_environment, node_version, uv

if TYPE_CHECKING:
    from klotho.localcloud.planes.containers.stage import StageBuilder

_PYTHONS = re.compile(r"python(3(\.\d+)?)?")
_PIPS = re.compile(r"pip(3(\.\d+)?)?")
_USERS = frozenset({"chown", "chgrp", "useradd", "adduser", "groupadd", "addgroup", "usermod"})
_NODE_PROGRAMS = frozenset({"npm", "npx", "pnpm", "yarn", "corepack"})
_FILE_COMMANDS = frozenset({"mkdir", "rm", "touch", "chmod"})
_DROPPED = frozenset(
    [
        "--no-cache-dir",
        "--no-cache",
        "--user",
        "--break-system-packages",
        "--root-user-action=ignore",
        "--disable-pip-version-check",
        "--system",
        "--no-warn-script-location",
        "--no-input",
    ]
)
"""Options of pip without a meaning here: the environment is private and the cache is wanted."""
_ELSEWHERE = ("--prefix", "--root", "--target", "-t")
_CARRIED = _USERS | _NODE_PROGRAMS | _FILE_COMMANDS | {"uv", "poetry", "-m venv", "-m compileall", "go", "dotnet"}
_LIFECYCLE = ("preinstall", "install", "postinstall", "prepare")


def check(instruction: Instruction, command: Command, found: Base) -> None:
    """`ImageError` for a command that is not carried, whatever files the image holds; nothing is run or read."""
    name, words = _program(command)
    verb = " ".join(words[1:2])
    _check_language(instruction, name, found)
    if name == "go":
        golang.check(instruction, words)
    elif name == "dotnet":
        dotnet.check(instruction, words)
    elif name == "uv" and verb == "pip":
        _check_pip(instruction, words[2:])
    elif _PIPS.fullmatch(name):
        _check_pip(instruction, words[1:])
    elif name == "uv" and verb not in ("venv", "sync", "cache", "--version", "python"):
        raise instruction.error(f"`uv {verb}` is not carried", "use uv pip install or uv sync")
    elif name == "poetry" and verb not in ("install", "config", "--version"):
        raise instruction.error(f"`poetry {verb}` is not carried", "use poetry install")
    elif name not in _CARRIED:
        hint = PLAIN_HINT if found.language == "none" else CARRIED_HINT
        raise instruction.error(f"`{' '.join(command.words)[:60]}` is not carried", hint)


def _check_language(instruction: Instruction, name: str, found: Base) -> None:
    """Refuse a program that the image does not have. Python and Node are let into each other's images."""
    if name in ("go", "dotnet"):
        needs = name
    elif name in _CARRIED - _USERS - _FILE_COMMANDS or _PIPS.fullmatch(name):
        needs = "python or node"
    else:
        return
    if found.language not in needs:
        has = LANGUAGES[found.language]
        raise instruction.error(
            f"`{name}` is not in the {has} image `{found.image}`",
            "run it in an earlier stage, FROM an image that has it, and COPY --from what it makes",
        )


def _check_pip(instruction: Instruction, words: list[str]) -> None:
    if words[:1] in (["cache"], ["check"], ["--version"], ["list"]):
        return
    if words[:1] != ["install"]:
        raise instruction.error(f"`pip {' '.join(words[:1])}` is not carried", "use pip install")
    for word in words:
        if word.split("=")[0] in _ELSEWHERE:
            raise instruction.error(
                f"`{word}` installs beside the environment",
                "install without it, or into a virtual environment: RUN python -m venv /opt/venv",
            )


def _program(command: Command) -> tuple[str, list[str]]:
    """The program's name and the words from it on; of `python -m NAME` that is NAME."""
    words = list(command.words)
    name = posixpath.basename(words[0])
    if _PYTHONS.fullmatch(name) and words[1:2] == ["-m"] and len(words) > 2:
        # As programs of their own these two do not exist.
        return (f"-m {words[2]}" if words[2] in ("venv", "compileall") else words[2]), words[2:]
    return name, words


class Installer:
    """Runs the RUN lines of one stage."""

    def __init__(self, stage: StageBuilder) -> None:
        self._stage = stage

    def run(self, instruction: Instruction, command: Command) -> None:
        """One command of a RUN line; `ImageError` if it is not carried or fails."""
        check(instruction, command, self._stage.result.base)
        name, words = _program(command)
        folder = self._inside(instruction, command.folder or ".")
        if name == "-m compileall":
            return
        if name == "-m venv":
            self._venv(instruction, words[1:], command.folder)
        elif _PIPS.fullmatch(name):
            self._pip(instruction, words[1:], folder, command)
        elif name == "uv":
            self._uv(instruction, words[1:], folder, command)
        elif name == "poetry":
            self._poetry(instruction, words[1:], folder, command)
        elif name in _NODE_PROGRAMS:
            self._node(instruction, name, words[1:], folder, command)
        elif name == "go":
            self._go(instruction, words, folder, command)
        elif name == "dotnet":
            self._dotnet(instruction, words, folder, command)
        else:
            self._harmless(instruction, name, words[1:], command.folder)

    # Python

    def _pip(self, instruction: Instruction, words: list[str], folder: Path, command: Command) -> None:
        if words[:1] != ["install"]:
            return
        wanted = [word for word in words[1:] if word not in _DROPPED]
        # pip itself is no part of what the program needs, and the environment has none to upgrade.
        names = [word for word in wanted if word not in ("pip", "--upgrade", "-U")]
        if not names:
            return
        arguments = self._requirements(instruction, wanted, folder)

        def install(environment: Path) -> None:
            python = str(environment / "bin" / "python")
            program = uv()
            tries = [[program, "pip", "install", "--python", python, *arguments]] if program else []
            if find_spec("pip") is not None:
                tries.append([sys.executable, "-m", "pip", "--python", python, "install", *arguments])
            if not tries:
                raise instruction.error("there is neither uv nor pip on this machine", "install uv")
            self._first_that_works(instruction, tries, folder, command, environment)

        self._extend(["pip", *arguments], self._manifests(instruction, wanted, folder), install)

    def _requirements(self, instruction: Instruction, words: list[str], folder: Path) -> list[str]:
        """The arguments with absolute paths of the image replaced by paths on this machine."""
        return [str(self._inside(instruction, word)) if word.startswith("/") else word for word in words]

    def _manifests(self, instruction: Instruction, words: list[str], folder: Path) -> list[str | bytes]:
        """The content of everything an install command reads from the image."""
        found: list[str | bytes] = []
        for index, word in enumerate(words):
            option = words[index - 1] if index else ""
            if option in ("-r", "--requirement", "--requirements", "-c", "--constraint"):
                found += _requirement_files(self._inside(instruction, word, folder), instruction)
            elif option in ("-e", "--editable") or word.startswith((".", "/")):
                project = self._inside(instruction, word.split("[")[0], folder)
                if not project.exists():
                    raise instruction.error(f"there is no {word} in the image yet", "COPY it before this line")
                # An editable install names this very image's folder, so that no other image may share it.
                found.append(environments.tree_key(project) if project.is_dir() else project.read_bytes())
                found.append(str(project) if option in ("-e", "--editable") else "")
        return found

    def _venv(self, instruction: Instruction, words: list[str], folder: str | None) -> None:
        """`python -m venv DIR`: the folder becomes a link to the stage's environment."""
        names = [word for word in words if not word.startswith("-")]
        if len(names) != 1:
            raise instruction.error("needs one folder", "write python -m venv /opt/venv")
        self._stage.link_environment(self._inside(instruction, names[0], self._inside(instruction, folder or ".")))

    def _uv(self, instruction: Instruction, words: list[str], folder: Path, command: Command) -> None:
        if words[:1] == ["pip"]:
            self._pip(instruction, words[1:], folder, command)
        elif words[:1] == ["venv"]:
            self._venv(instruction, words[1:] or [".venv"], command.folder)
        elif words[:1] == ["sync"]:
            program = uv()
            if program is None:
                raise instruction.error("there is no uv on this machine", "install uv (docs.astral.sh/uv)")
            # The cache is the point of the cached environment; another folder is where uv would make its own.
            arguments = [word for word in words if word not in ("--no-cache", "--compile-bytecode")]

            def install(environment: Path) -> None:
                self._execute(instruction, [program, *arguments, "--inexact"], folder, command, environment)

            project = [] if "--no-install-project" in words else [environments.tree_key(folder), str(folder)]
            self._extend(["uv", *arguments], [*_files(folder, "pyproject.toml", "uv.lock"), *project], install)
            self._stage.link_environment(folder / ".venv")

    def _poetry(self, instruction: Instruction, words: list[str], folder: Path, command: Command) -> None:
        if words[:1] != ["install"]:
            return

        def install(environment: Path) -> None:
            program = shutil.which("poetry", path=f"{environment / 'bin'}:{self._stage.host_path}")
            if program is None:
                raise instruction.error("there is no poetry on this machine", "RUN pip install poetry before it")
            self._execute(instruction, [program, *words, "--no-interaction"], folder, command, environment)

        project = [] if "--no-root" in words else [environments.tree_key(folder), str(folder)]
        self._extend(["poetry", *words], [*_files(folder, "pyproject.toml", "poetry.lock"), *project], install)

    def _extend(self, command: list[str], manifests: list[str | bytes], install: Callable[[Path], None]) -> None:
        stage = self._stage
        shown = [word.replace(str(stage.root), "") for word in command]
        stage.extend_python(environments.key_of(*shown, "--", *manifests), install)

    # Node

    def _node(self, instruction: Instruction, name: str, words: list[str], folder: Path, command: Command) -> None:
        if name == "corepack" or words[:2] == ["cache", "clean"] or words[:1] == ["config"]:
            return
        program = shutil.which(name)
        if program is None:
            raise instruction.error(f"there is no {name} on this machine", f"install {name}, or use npm")
        if words[:1] and words[0] in ("install", "i", "add") and {"-g", "--global"} & set(words):
            words = [*words, "--prefix", str(self._stage.root / "usr" / "local")]
            (self._stage.root / "usr" / "local").mkdir(parents=True, exist_ok=True)
        argv = [program, *words]

        def install() -> None:
            self._execute(instruction, argv, folder, command, None)

        if not _installs_modules(name, words) or _has_lifecycle(folder):
            install()
            return
        manifests = _files(
            folder, "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", ".npmrc"
        )
        node = node_version(shutil.which("node") or "node")
        key = environments.key_of(name, *words, node, sys.platform, "--", *manifests)
        if environments.node_modules(self._stage.cache, key, folder, install):
            self._stage.log(f"{instruction.shown}: node_modules from the cache")

    # Go and .NET

    def _go(self, instruction: Instruction, words: list[str], folder: Path, command: Command) -> None:
        stage = self._stage
        words, folder = golang.folder_of(words, folder, lambda path: self._inside(instruction, path, folder))
        argv = golang.arguments(
            stage.result.base.interpreter, words, lambda path: self._inside(instruction, path, folder)
        )
        if argv is None:
            stage.log(f"line {instruction.line}: `{' '.join(words)}` is passed over")
            return
        image = {**stage.variables(), **dict(command.variables)}
        own = self._settings(command, None, folder)
        self._execute(
            instruction,
            argv,
            folder,
            command,
            None,
            settings=golang.settings(image, stage.root, folder, own, stage.log),
        )

    def _dotnet(self, instruction: Instruction, words: list[str], folder: Path, command: Command) -> None:
        found = self._stage.result.base
        argv = dotnet.arguments(found.interpreter, words, lambda path: self._inside(instruction, path, folder))
        if argv is None:
            self._stage.log(f"line {instruction.line}: `{' '.join(words)}` is passed over")
            return
        dotnet.check_target(instruction, found, argv, folder)
        own = self._settings(command, None, folder)
        self._execute(instruction, argv, folder, command, None, settings=dotnet.settings(own), mistakes=dotnet.mistakes)

    # No language

    def _harmless(self, instruction: Instruction, name: str, words: list[str], folder: str | None) -> None:
        if name in _USERS:
            self._stage.log(f"line {instruction.line}: `{name}` is passed over: a process runs as you")
            return
        names = [word for word in words if not word.startswith("-")]
        mode = names.pop(0) if name == "chmod" and names else ""
        for word in names:
            if "*" in word or "~" in word:
                if name == "rm":
                    # Cleaning up by pattern or below the home folder removes what was never put in here.
                    self._stage.log(f"line {instruction.line}: `rm {word}` is passed over")
                    continue
                raise instruction.error(f"`{word}` needs a shell", CARRIED_HINT)
            _touch_up(name, mode, self._inside(instruction, word, self._inside(instruction, folder or ".")))

    def _inside(self, instruction: Instruction, path: str, folder: Path | None = None) -> Path:
        root = self._stage.root
        workdir = self._stage.workdir if folder is None else "/" + folder.relative_to(root).as_posix()
        try:
            return inside(root, path, workdir)
        except ValueError as error:
            raise instruction.error(str(error), "name a path inside of the image") from error

    def _first_that_works(
        self, instruction: Instruction, tries: list[list[str]], folder: Path, command: Command, environment: Path
    ) -> None:
        for last, argv in zip([False] * (len(tries) - 1) + [True], tries, strict=True):
            if self._execute(instruction, argv, folder, command, environment, may_fail=not last):
                return

    def _execute(
        self,
        instruction: Instruction,
        argv: list[str],
        folder: Path,
        command: Command,
        environment: Path | None,
        may_fail: bool = False,
        settings: Mapping[str, str] | None = None,
        mistakes: Callable[[list[str]], list[SourceMistake]] = lambda lines: [],
    ) -> bool:
        """Run a package manager in a folder of the image; its output goes to the log. `mistakes`: those of source files
        that its lines tell."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = settings or self._settings(command, environment, folder)
        try:
            process = subprocess.Popen(
                argv, cwd=folder, env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
        except OSError as error:
            raise instruction.error(f"can't start {argv[0]} ({error})", "check that it is installed") from error
        lines: list[str] = []
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip().replace(str(self._stage.root), ""))
                self._stage.log(lines[-1])
        if process.returncode != 0 and not may_fail:
            last = "\n".join(lines[-12:])
            name = Path(argv[0]).name
            reason, hint = f"{name} ended with exit code {process.returncode}", f"its last lines:\n{last}"
            raise instruction.error(reason, hint, mistakes(lines))
        return process.returncode == 0

    def _settings(self, command: Command, environment: Path | None, folder: Path) -> Mapping[str, str]:
        stage = self._stage
        path = [str(folder / "node_modules" / ".bin"), str(stage.root / "usr" / "local" / "bin")]
        found = build_environment({**stage.variables(), **dict(command.variables)}, path)
        environment = environment or stage.python_environment
        if environment is not None:
            found["VIRTUAL_ENV"] = found["UV_PROJECT_ENVIRONMENT"] = str(environment)
            found["PATH"] = f"{environment / 'bin'}:{found['PATH']}"
            found["POETRY_VIRTUALENVS_CREATE"] = "false"
        return found


def _touch_up(name: str, mode: str, path: Path) -> None:
    if name == "mkdir":
        path.mkdir(parents=True, exist_ok=True)
    elif name == "touch":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    elif name == "rm":
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    elif path.exists():
        bits = int(mode, 8) if mode.isdigit() else path.stat().st_mode | (0o111 if "x" in mode and "+" in mode else 0)
        path.chmod(bits & 0o777)


def _files(folder: Path, *names: str) -> list[str | bytes]:
    return [part for name in names for part in (name, _content(folder / name))]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _requirement_files(path: Path, instruction: Instruction, depth: int = 0) -> list[str | bytes]:
    """A requirements file and those it includes."""
    if not path.is_file():
        raise instruction.error(f"there is no {path.name} in the image yet", "COPY it before this line")
    text = path.read_text(encoding="utf-8", errors="replace")
    found: list[str | bytes] = [text]
    for line in text.splitlines():
        included = re.match(r"\s*(?:-r|-c|--requirement|--constraint)[ =]\s*(\S+)", line)
        if included is not None and depth < 8:
            found += _requirement_files(path.parent / included[1], instruction, depth + 1)
    return found


def _installs_modules(name: str, words: list[str]) -> bool:
    verb = next((word for word in words if not word.startswith("-")), "install" if name == "yarn" else "")
    plain = verb in ("ci", "install", "i", "clean-install") and len([w for w in words if not w.startswith("-")]) <= 1
    return plain and name != "npx" and not {"-g", "--global"} & set(words)


def _has_lifecycle(folder: Path) -> bool:
    """Whether installing runs scripts of the project itself, which may write anywhere: then it runs every time."""
    text = _content(folder / "package.json")
    return any(f'"{name}"'.encode() in text for name in _LIFECYCLE)
