"""A C# code base: its projects, where they begin, what is found in a unit, and the unit as it is packed.

A project is one program: its files see each other without imports, so that it is one unit, with the projects it refers
to. Nothing of its code is changed.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from klotho.annotations.findings import Exposure, Findings, Mount, Original, Route, Served, UnitCode, exposure_of
from klotho.annotations.hosting import Form
from klotho.annotations.languages.csharp.controllers import Controllers, said_of_controllers
from klotho.annotations.languages.csharp.endpoints import Endpoints, said_of_endpoints
from klotho.annotations.languages.csharp.images import MARKER, image_files
from klotho.annotations.languages.csharp.libraries import refuse_calls, refuse_settings, said_of_libraries, unlisted
from klotho.annotations.languages.csharp.projects import Project, Projects
from klotho.annotations.languages.csharp.syntax import starts
from klotho.annotations.languages.csharp.templates import paths_of
from klotho.annotations.model import Annotation, Source, Text
from klotho.annotations.reading import CodeBase
from klotho.annotations.units import Unit, refuse_second
from klotho.diagnostics import Failure

_BEGINNINGS = ("Program.cs", "Application.cs")
_SETTINGS = ("appsettings.json", "appsettings.Production.json")
_TOLD = (
    b"Map",
    b"Controller",
    b"Route",
    b"[Http",
    b"UseMvc",
    b"Urls",
    b"Listen",
    b"UseWebSockets",
    b"AddAWS",
    b"AddInter",
)
"""What a file without annotations has that says anything of interest; others are not parsed."""
_BUILT = ".klotho-original"
_RANDOM = (r'"traceId":"[^"]*"', r'^"1[0-9a-f]{14}"$')
"""Of each ProblemDetails; and the ETag of static files, which is the time of the copy and its length."""
_ON_ITS_OWN = ("-p:UseAppHost=false", "-p:UseSharedCompilation=false", "-nodeReuse:false")
"""Without programs that stay in memory for the next build."""


class CSharpProgram:
    begins_by = "write a Program.cs"

    def __init__(self, code: CodeBase) -> None:
        self.code = code
        self.projects = Projects(code)

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """By project, its own source files; those of none are below the empty name."""
        found: dict[str, list[str]] = {}
        for path in self.code.files:
            if path.endswith(".cs"):
                project = self.projects.of(path)
                found.setdefault(project.path if project is not None else "", []).append(path)
        return found

    @property
    def package_name(self) -> str | None:
        """That of the only project."""
        projects = [path for path in self._files if path]
        found = self.projects.at(projects[0]) if len(projects) == 1 else None
        return found.assembly if found is not None else None

    @property
    def begins(self) -> str | None:
        near = [
            path
            for project, paths in self._files.items()
            for path in paths
            if PurePosixPath(path).name in (*_BEGINNINGS, f"{PurePosixPath(project).stem}.cs")
        ]
        return min(
            near, key=lambda path: (path.count("/"), PurePosixPath(path).name not in _BEGINNINGS, path), default=None
        )

    def imports(self, path: str) -> list[str]:
        """Every file of a project sees every other one: all lead to its first one, and that to all and on to the
        projects that it refers to."""
        project = self.projects.of(path) if path.endswith(".cs") else None
        if project is None:
            return []
        own = self._files.get(project.path, [path])
        if path != own[0]:
            return [own[0]]
        others = [self._files.get(other.path, []) for other in self.projects.closure(project)[1:]]
        return [*own[1:], *(paths[0] for paths in others if paths)]

    def together(self, path: str) -> Iterable[str]:
        project = self.projects.of(path)
        return self._files.get(project.path, [path]) if project is not None else [path]

    def mounts(self, owned: Mapping[str, str]) -> Iterable[Mount]:
        return ()

    def shapes(self, capability: str) -> str:
        return "none"

    def library(self, path: str, statement: Any) -> str | None:
        return None

    def find(self, unit: Unit) -> Findings:
        project = self._project(unit)
        if project is None:
            return Findings()
        self._refuse_strangers(unit)
        said = [(path, self._said(path)) for path in unit.files if path.endswith(".cs")]
        for path, item in said:
            refuse_calls(Text(path, self.code.content(path)), item, self.code.report)
        for name in _SETTINGS:
            path = posixpath.join(project.folder, name)
            if self.code.exists(path):
                refuse_settings(Text(path, self.code.content(path)), self.code.report)
        return Findings(exposures=list(self._exposed(unit, said)))

    def _project(self, unit: Unit) -> Project | None:
        """The one that a unit is; None where it can't be one, which is reported."""
        report = self.code.report
        found = {path: self.projects.of(path) for path in unit.entries if path.endswith(".cs")}
        for path, project in found.items():
            first, one = next(iter(found.items()))
            if project is None:
                message = f"no `.csproj` is in the folder of `{path}` or above it, so that it can't be built"
                helps = ("let `dotnet new web` write one, or run Klotho in the folder that has it",)
                report.error("annotation-project", message, unit.span or self._first(path), helps=helps)
                return None
            if len(several := self.projects.listed(project.folder)) > 1:
                message = f"`{several[0]}` and `{several[1]}` are in one folder: which of them is the unit is not told"
                report.error("annotation-project", message, project.span(), helps=("give each a folder of its own",))
                return None
            if one is not None and project.path != one.path:
                message = f'the unit "{unit.name}" begins in two projects: in `{first}` and in `{path}`'
                helps = (f'annotate `{path}` with `@klotho::execution_unit {{ id = "…" }}` of its own',)
                report.error("annotation-project", message, unit.span or self._first(path), helps=helps)
                return None
        return next(iter(found.values()), None)

    def _first(self, path: str) -> Any:
        source = self.code.source(path)
        return source.annotations[0].span if source.annotations else source.text.span(0, 1)

    def _refuse_strangers(self, unit: Unit) -> None:
        """Files of other units that the unit's code sees: calls between units of C# are not compiled."""
        for path, owner in sorted(unit.remote.items()):
            other = self.projects.of(path)
            annotation = next((item for item, _ in self.code.source(path).of("execution_unit")), None)
            if other is None or annotation is None:
                continue
            message = f'the unit "{unit.name}" uses the project `{other.path}`, which is the unit "{owner}"'
            notes = ("calls between units of C# are not supported yet",)
            helps = ("give what both need a project of its own, which no annotation makes a unit",)
            self.code.report.error("annotation-not-yet", message, annotation.span, notes=notes, helps=helps)

    def _said(self, path: str) -> dict[str, Any]:
        content = self.code.content(path)
        if path not in self.code.annotated and not any(word in content for word in _TOLD):
            return dict(_NOTHING)
        return self.code.said(path, "", _read)

    def _exposed(self, unit: Unit, said: list[tuple[str, dict[str, Any]]]) -> Iterator[Exposure]:
        first: Annotation | None = None
        for path, _ in said:
            source = self.code.annotated.get(path)
            for annotation, target in source.of("expose") if source is not None else ():
                if target is None:
                    continue  # told where it is read
                if not starts(target):
                    if not target.has_error:  # else told where it is read
                        self._refuse_expose(annotation)
                    continue
                if first is not None:
                    refuse_second(unit.name, first, annotation, self.code.report)
                    continue
                first, framework = annotation, unlisted(item for _, item in said)
                served = Served(list(self._routes(said))) if framework is None else None
                yield exposure_of(annotation, served, (framework, False) if framework is not None else None)

    def _routes(self, said: list[tuple[str, dict[str, Any]]]) -> Iterator[Route]:
        texts = {path: Text(path, self.code.content(path)) for path, _ in said}
        for item in Endpoints([(path, found["endpoints"]) for path, found in said]).found():
            for place in paths_of(item.pattern):
                yield Route(item.method, place, texts[item.path].span(item.start, item.end))
        for route in Controllers([(path, found["controllers"]) for path, found in said]).found():
            yield Route(route.method, route.at_path, texts[route.path].span(route.start, route.end))

    def _refuse_expose(self, annotation: Annotation) -> None:
        self.code.report.error(
            "annotation-without-effect",
            f"nothing came of {annotation.title}: its statement runs no application",
            annotation.span,
            notes=("it stands on `app.Run();`, on `….Build().Run();`, or on `app.UseEndpoints(…);` in Configure",),
            helps=("move the comment above that statement",),
        )

    @property
    def original(self) -> Original:
        """The first exposed project, built as it is and run in its own folder."""
        project = next((self.projects.of(item.path) for item, _ in self.code.all("expose")), None)
        if project is None:
            raise Failure("verify-original", "no project of C# exposes anything", helps=("annotate `app.Run();`",))
        out = posixpath.join(project.folder, _BUILT)
        above = posixpath.relpath(out, project.folder or ".")
        return Original(
            ("dotnet", f"{above}/{project.assembly}.dll"),
            build=(("dotnet", "publish", project.path, "-c", "Release", "-o", out, *project.forms, *_ON_ITS_OWN),),
            folder=project.folder,
            environment={"ASPNETCORE_URLS": "http://127.0.0.1:{port}"},
            random=_RANDOM,
            listens="let the code name no address: `ASPNETCORE_URLS` says it",
        )

    def write(self, unit: Unit, findings: Findings, called: Mapping[str, list[str]], form: Form) -> UnitCode:
        project = self._project_of(unit)
        framework = self.projects.framework(project) if project is not None else None
        if project is None or framework is None:
            return UnitCode({})
        files = {path: _of_unit(path, self.code.content(path)) for path in self._packed(project)}
        assets = [path for path in findings.assets if path not in files]
        files |= {path: self.code.content(path) for path in assets}
        files[MARKER] = f"The unit {unit.name}, written by Klotho.\n".encode()
        return UnitCode({**files, **image_files(unit.name, project, framework, files, findings.assets)})

    def _project_of(self, unit: Unit) -> Project | None:
        return next((self.projects.of(path) for path in unit.entries if path.endswith(".cs")), None)

    def _packed(self, project: Project) -> Iterator[str]:
        """The files of the project and of those that it refers to, and what is about them above."""
        for item in self.projects.closure(project):
            yield from self.projects.files(item)
            yield from self.projects.above(item)
            for kind, path in item.included:
                if self.projects.at(path) is not None:
                    continue
                is_project = kind == "ProjectReference"
                if is_project or path.startswith("..") or not self.code.exists(path):
                    message = (
                        f"`{item.path}` takes `{path}`, which is no {'project of C#' if is_project else 'file'} here"
                    )
                    helps = ("patterns of files in other folders are not supported yet: name each, or use a project",)
                    span = item.span(posixpath.basename(path))
                    self.code.report.error("annotation-project", message, span, helps=helps)
                else:
                    yield path


def _read(source: Source) -> dict[str, Any]:
    """What a file says, as JSON has it."""
    root = source.tree.root_node
    return {
        "endpoints": said_of_endpoints(root),
        "controllers": said_of_controllers(root),
        **said_of_libraries(root),
    }


_NOTHING: Mapping[str, Any] = {
    "endpoints": {"methods": [], "maps": [], "groups": [], "hands": []},
    "controllers": {"classes": [], "active": False, "patterns": []},
    "refused": [],
    "using": [],
}


def _of_unit(path: str, content: bytes) -> bytes:
    """A file as the unit has it: the SDK is that of the image, whatever version global.json wants of this machine."""
    if posixpath.basename(path) != "global.json":
        return content
    try:
        said = json.loads(content)
    except ValueError:
        return content
    return (
        json.dumps({name: value for name, value in said.items() if name != "sdk"}).encode()
        if isinstance(said, dict)
        else content
    )
