"""The projects of a code base: `.csproj` files, with what a unit needs of each.

Input: a code base. Output: `Project`s, read when they are asked for. Refuses, at the project file, what no image of
.NET is for, and what of another place in the file system can't be told. Conditions of MSBuild are not evaluated: the
first value of a property is taken. Sources: learn.microsoft.com/dotnet/core/project-sdk/msbuild-props,
learn.microsoft.com/dotnet/standard/frameworks.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from klotho.annotations.model import Text
from klotho.annotations.reading import CodeBase
from klotho.application.files import OUTPUT_MARKER
from klotho.diagnostics import Span

ENDING = ".csproj"
ABOVE = (
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "NuGet.config",
    "NuGet.Config",
    "nuget.config",
    "global.json",
)
"""Files that MSBuild, NuGet and `dotnet` look for in the project's folder and above it."""
_FRAMEWORK = re.compile(r"net(?:coreapp)?(\d+)\.(\d+)")
_OLDEST = (3, 1)
"""The first one whose images have both the SDK and ASP.NET Core under one name."""
_FORMS = ("SelfContained", "PublishSelfContained", "PublishSingleFile", "PublishTrimmed", "PublishAot")
_NOT_COPIED = frozenset({"node_modules", "__pycache__", "TestResults"})
_OF_BUILDS = frozenset({"bin", "obj"})
_OF_KLOTHO = frozenset({"klotho.yaml", "infra.py", "requests.json"})
"""At the top, beside the program: they are no part of it."""


@dataclass(frozen=True)
class Project:
    path: str
    """Of the project file, relative to the code base."""
    text: Text
    root: ElementTree.Element | None
    """None for a file that is no XML."""

    @property
    def folder(self) -> str:
        """Empty for the top."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def assembly(self) -> str:
        return self.value_of("AssemblyName") or self.name

    def value_of(self, name: str) -> str | None:
        return _property(self.root, name)

    @property
    def forms(self) -> list[str]:
        """Options of `dotnet restore` and `publish` for what `dotnet <assembly>.dll` runs in an image of Linux,
        whatever form the project asks for."""
        asked = [name for name in _FORMS if (self.value_of(name) or "").lower() == "true"]
        machine = self.value_of("RuntimeIdentifier")
        if machine is None:
            return [f"-p:{name}=false" for name in asked]
        # It is said: code for one processor is not run on another one.
        own = machine if machine.startswith("linux-") else ""
        return [
            f"-p:RuntimeIdentifier={own}",
            *(f"-p:{name}=false" for name in dict.fromkeys(("SelfContained", *asked))),
        ]

    @cached_property
    def included(self) -> list[tuple[str, str]]:
        """What it takes of other folders: the item's name (`ProjectReference`), and the path in the code base."""
        found = []
        for item in self.root.iter() if self.root is not None else ():
            given = (item.get("Include") or "").replace("\\", "/")
            if given.startswith("..") or (item.tag == "ProjectReference" and given):
                found.append((str(item.tag), posixpath.normpath(posixpath.join(self.folder, given))))
        return found

    def span(self, what: str = "<Project") -> Span:
        """The first place of a text in the project file."""
        at = max(self.text.content.find(what.encode()), 0)
        return self.text.span(at, at + len(what))


class Projects:
    def __init__(self, code: CodeBase) -> None:
        self._code = code
        self._by_path: dict[str, Project | None] = {}
        self._listed: dict[str, list[str]] = {}

    def of(self, path: str) -> Project | None:
        """The project that a source file is of: the nearest one, from its folder upward. Of several in a folder, which
        `dotnet build` refuses, the first one."""
        folder = path.rpartition("/")[0]
        while True:
            if self.listed(folder):
                return self.at(self.listed(folder)[0])
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def at(self, path: str) -> Project | None:
        """None where no such file is in the code base."""
        if path not in self._by_path:
            is_inside = not path.startswith("..") and path.endswith(ENDING) and self._code.exists(path)
            self._by_path[path] = self._read(path) if is_inside else None
        return self._by_path[path]

    def listed(self, folder: str) -> list[str]:
        """The project files of a folder."""
        if folder not in self._listed:
            try:
                names = sorted(path.name for path in (self._code.root / folder).glob(f"*{ENDING}"))
            except OSError:
                names = []
            self._listed[folder] = [f"{folder}/{name}".lstrip("/") for name in names]
        return self._listed[folder]

    def closure(self, project: Project) -> list[Project]:
        """The project and those that it refers to, directly or not."""
        found, waiting = {project.path: project}, [project]
        while waiting:
            for kind, path in waiting.pop().included:
                other = self.at(path) if kind == "ProjectReference" else None
                if other is not None and path not in found:
                    found[path] = other
                    waiting.append(other)
        return list(found.values())

    def framework(self, project: Project) -> str | None:
        """The version that an image is named by: `8.0`. None where there is no image, which is reported."""
        if project.root is None:
            return None  # told where it is read
        said = self._said(project, "TargetFramework")
        found = _FRAMEWORK.fullmatch(said or "")
        if found is not None and (int(found[1]), int(found[2])) >= _OLDEST:
            return f"{found[1]}.{found[2]}"
        several = self._said(project, "TargetFrameworks")
        message = f"`{project.path}` says no target framework that a unit can be built for"
        if said or several:
            message = f"the target framework `{said or several}` of `{project.path}` is not supported"
        helps = ("write one of .NET Core 3.1 or later, such as `<TargetFramework>net8.0</TargetFramework>`",)
        self._code.report.error("annotation-project", message, project.span("<TargetFramework"), helps=helps)
        return None

    def _said(self, project: Project, name: str) -> str | None:
        """A property of the project, or of the nearest Directory.Build.props."""
        own = project.value_of(name)
        for path in self.above(project) if own is None else ():
            if path.endswith("Directory.Build.props"):
                return _property(_xml(self._code.content(path)), name)
        return own

    def above(self, project: Project) -> Iterator[str]:
        """Files that are about the project, in its folder and above, the nearest ones first."""
        folder: str | None = project.folder
        while folder is not None:
            for name in ABOVE:
                path = f"{folder}/{name}".lstrip("/")
                if self._code.exists(path):
                    yield path
            folder = folder.rpartition("/")[0] if folder else None

    def files(self, project: Project) -> Iterator[str]:
        """Everything in the project's folder but what builds and tools leave there; hidden files below wwwroot only."""
        top = self._code.root / project.folder
        for place, folders, names in os.walk(top):
            home = Path(place)
            if OUTPUT_MARKER in names and home != self._code.root:
                folders[:] = []
                continue
            is_served = "wwwroot" in home.relative_to(top).parts
            is_project = any(name.endswith(ENDING) for name in names)
            skipped = _NOT_COPIED | _OF_BUILDS if is_project else _NOT_COPIED
            folders[:] = sorted(name for name in folders if is_served or not (name.startswith(".") or name in skipped))
            for name in sorted(names):
                path = (home / name).relative_to(self._code.root).as_posix()
                if path not in _OF_KLOTHO and (is_served or not name.startswith(".")) and self._is_plain(path):
                    yield path

    def _is_plain(self, path: str) -> bool:
        found = self._code.root / path
        return path.isprintable() and found.is_file() and not found.is_symlink()

    def _read(self, path: str) -> Project:
        text = Text(path, self._code.content(path))
        root = _xml(text.content)
        if root is None:
            helps = ("`dotnet build` says what is wrong with it; entities (`<!ENTITY`) are not supported",)
            self._code.report.error("annotation-project", f"`{path}` is no XML", text.span(0, 1), helps=helps)
        return Project(path, text, root)


def _xml(content: bytes) -> ElementTree.Element | None:
    """Without namespaces, which older projects have; None for what is no XML, or declares entities."""
    if b"<!ENTITY" in content:
        return None
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    for item in root.iter():
        if isinstance(item.tag, str):
            item.tag = item.tag.rpartition("}")[2]
    return root


def _property(root: ElementTree.Element | None, name: str) -> str | None:
    for item in root.iter(name) if root is not None else ():
        text = (item.text or "").strip()
        if text:
            return text
    return None
