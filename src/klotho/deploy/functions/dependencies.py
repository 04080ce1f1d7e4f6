"""A function's third-party packages, installed once per lock content.

Input: the nearest dependency manifest above the handler (`requirements.txt`, `pyproject.toml`, `package.json`).
Output: a folder in the cache whose content goes into the zip. Refuses dependencies that lie on this machine's disk
(`-e .`, `file:…`) by name, and reports what the installer said when it fails.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from klotho.diagnostics import Failure, Span

Log = Callable[[str], None]

_LOCAL = re.compile(r"^\s*(-e\b|--editable\b|\.{1,2}(/|$)|/|file:)|@\s*file:")
_INCLUDE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(?P<file>\S+)")
_INSTALL_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What to install and where it stands in the zip."""

    ecosystem: str
    """`python` or `node`."""
    files: tuple[tuple[str, bytes], ...]
    """The manifest and what it includes, by name in the installer's folder; the first one is the manifest."""
    prefix: str
    """The folder in the zip the packages go to; empty for the top."""

    @property
    def key(self) -> str:
        """Equal keys mean equal packages: the content, and the machine and language they are installed for."""
        language = ".".join(map(str, sys.version_info[:2])) if self.ecosystem == "python" else "node"
        digest = hashlib.sha256(f"1 {self.ecosystem} {language} {sys.platform} {platform.machine()}".encode())
        for name, content in self.files:
            digest.update(f"{len(name)}:{name}:{len(content)}:".encode() + content)
        return digest.hexdigest()


def python_dependencies(root: Path, handler: Path) -> Dependencies | None:
    """From the nearest requirements.txt, else pyproject.toml with `[project] dependencies`; None when there is none."""
    for folder in _folders_up(root, handler):
        requirements = folder / "requirements.txt"
        if requirements.is_file():
            files = tuple(_with_includes(requirements, folder, root))
            return Dependencies("python", files, "") if any(_requires(content) for _, content in files) else None
        pyproject = folder / "pyproject.toml"
        if pyproject.is_file():
            listed = _project_dependencies(pyproject, root)
            if listed:
                return Dependencies("python", (("requirements.txt", "\n".join(listed).encode()),), "")
            return None
    return None


def node_dependencies(root: Path, handler: Path) -> Dependencies | None:
    """From the nearest package.json that lists dependencies, with its package-lock.json if there is one."""
    for folder in _folders_up(root, handler):
        manifest = folder / "package.json"
        if not manifest.is_file():
            continue
        shown = manifest.relative_to(root).as_posix()
        try:
            data = json.loads(manifest.read_bytes())
        except ValueError as error:
            message = f"`{shown}` is no valid JSON: {error}"
            raise Failure("dependencies-unreadable", message, at=Span(shown, 1)) from error
        wanted = {**data.get("dependencies", {}), **data.get("optionalDependencies", {})}
        wanted.pop("@klotho/runtime", None)  # Put into every asset anyway.
        if not wanted:
            return None
        for name, version in wanted.items():
            if str(version).startswith(("file:", "link:", "workspace:", "./", "../", "/")):
                raise _local(shown, 1, f"{name}: {version}")
        lock = folder / "package-lock.json"
        files = [("package.json", manifest.read_bytes())]
        files += [("package-lock.json", lock.read_bytes())] if lock.is_file() else []
        return Dependencies("node", tuple(files), "" if folder == root else folder.relative_to(root).as_posix())
    return None


class DependencyCache:
    """Installed packages by key, under the XDG cache folder; one installation at a time for the same key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def installed(self, wanted: Dependencies, log: Log) -> Path:
        """The folder with the packages; installs them when this content was never seen."""
        target = self._folder / wanted.ecosystem / wanted.key
        with self._guard:
            lock = self._locks.setdefault(wanted.key, threading.Lock())
        with lock:
            if not target.is_dir():
                with _fresh_folder(target) as work:
                    (_install_python if wanted.ecosystem == "python" else _install_node)(wanted, work, log)
        return target


@contextmanager
def _fresh_folder(target: Path) -> Iterator[Path]:
    """A folder that becomes `target` when the block ends well, and is gone when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    try:
        yield work
        if not target.exists():  # Another process may have been faster; both hold the same.
            work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install_python(wanted: Dependencies, work: Path, log: Log) -> None:
    manifests = Path(tempfile.mkdtemp(prefix="klotho-requirements-"))
    try:
        for name, content in wanted.files:
            path = manifests / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        requirements = str(manifests / wanted.files[0][0])
        _run([*_python_installer(), "--target", str(work), "--requirement", requirements], manifests, log)
    finally:
        shutil.rmtree(manifests, ignore_errors=True)
    for path in (work / "bin", work / "__pycache__"):
        # Scripts hold the path of this machine's interpreter.
        shutil.rmtree(path, ignore_errors=True)
    (work / ".lock").unlink(missing_ok=True)


def _python_installer() -> list[str]:
    try:
        from uv import find_uv_bin

        return [find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--python", sys.executable]
    except (ImportError, FileNotFoundError):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]


def _install_node(wanted: Dependencies, work: Path, log: Log) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Failure(
            "installer-missing",
            "this function has npm dependencies, but `npm` is not on this machine",
            helps=("install Node.js 18 or later, which brings npm",),
        )
    for name, content in wanted.files:
        (work / name).write_bytes(content)
    command = "ci" if any(name == "package-lock.json" for name, _ in wanted.files) else "install"
    quiet = ["--omit=dev", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    _run([npm, command, *quiet], work, log)
    for name in ("package.json", "package-lock.json"):
        (work / name).unlink(missing_ok=True)


def _run(command: list[str], folder: Path, log: Log) -> None:
    log(f"installing with {Path(command[0]).name}")
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(
            "dependencies-not-installed",
            f"installing the dependencies took longer than {_INSTALL_SECONDS:.0f} s and was stopped",
        ) from error
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise Failure(
            "dependencies-not-installed",
            f"`{Path(command[0]).name}` could not install the function's dependencies",
            notes=said[-12:],
        )


def _folders_up(root: Path, file: Path) -> Iterator[Path]:
    folder = file.parent
    while folder.is_relative_to(root):
        yield folder
        if folder == root:
            return
        folder = folder.parent


def _with_includes(file: Path, base: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    """The file and everything it names with -r or -c, each once, by path relative to the first one's folder."""
    pending, seen = [file.resolve()], set()
    while pending:
        current = pending.pop(0)
        if current in seen:
            continue
        seen.add(current)
        shown = current.relative_to(root).as_posix() if current.is_relative_to(root) else current.name
        if not current.is_relative_to(base.resolve()) or not current.is_file():
            raise Failure("dependencies-unreadable", f"`{shown}` is no file in the folder of requirements.txt")
        content = current.read_bytes()
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if _LOCAL.search(line.split("#")[0]):
                raise _local(shown, number, line.strip())
            include = _INCLUDE.match(line)
            if include:
                pending.append((current.parent / include["file"]).resolve())
        yield current.relative_to(base.resolve()).as_posix(), content


def _requires(content: bytes) -> bool:
    return any(line.split("#")[0].strip() for line in content.decode("utf-8", "replace").splitlines())


def _project_dependencies(pyproject: Path, root: Path) -> list[str]:
    shown = pyproject.relative_to(root).as_posix()
    try:
        data = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"`{shown}` is no valid TOML: {error}"
        raise Failure("dependencies-unreadable", message, at=Span(shown, 1)) from error
    listed = data.get("project", {}).get("dependencies", [])
    for item in listed:
        if _LOCAL.search(str(item)):
            raise _local(shown, 1, str(item))
    return [str(item) for item in listed]


def _local(shown: str, line: int, item: str) -> Failure:
    return Failure(
        "dependency-is-local",
        f"`{shown}` wants `{item}`, which lies on this machine",
        at=Span(shown, line),
        notes=("a function's packages are installed apart from your folders, by what the manifest says",),
        helps=("import the files directly (they are found and shipped), or publish the package",),
    )
