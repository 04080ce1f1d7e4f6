"""Applications written in a line each, and the resolved result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klotho.application import Application, Construct, ConstructId, Directive, Relationship, Requirement
from klotho.application.files import ProgramFiles
from klotho.application.model import DEFAULT_PROJECT
from klotho.catalogue.foreign import ForeignConstruct
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.diagnostics import Diagnostic, ProgramError, Report, Span
from klotho.emit import Bundle, render
from klotho.engine import Resolution, resolve

KINDS = {
    "container": "Compute.Container",
    "function": "Compute.Function",
    "postgres": "Databases.Postgres",
    "mysql": "Databases.MySQL",
    "redis": "Databases.Redis",
    "keyvalue": "Databases.KeyValue",
    "bucket": "Storage.Bucket",
    "queue": "Messaging.Queue",
    "topic": "Messaging.Topic",
    "api": "API",
    "secret": "Secret",
    "schedule": "Schedule",
    "oidc": "Auth.OIDC",
    "userpool": "Auth.UserPool",
    "network": "Network",
}


class Builder:
    """`app.container("web").says("web reads_from db")`: spans are the order of the calls."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.constructs: list[Construct] = []
        self.relationships: list[Relationship] = []
        self.directives: list[Directive] = []
        self.requirements: list[Requirement] = []
        self.line = 0
        self.policy = EnvironmentPolicy()
        self.name, self.project = "shop", DEFAULT_PROJECT
        self.foreign: dict[ConstructId, ForeignConstruct] = {}
        self.paid: frozenset[str] = frozenset()
        for folder in ("services/web", "services/pdf"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / "Dockerfile").write_text("FROM python:3.12-slim\n")
        (root / "functions").mkdir(exist_ok=True)
        (root / "functions" / "work.py").write_text("def handler(event, context):\n    return event\n")

    def add(self, kind: str, name: str, **properties: Any) -> Builder:
        if kind == "container":
            properties = {"context": "services/web", **properties}
        elif kind == "function":
            properties = {"handler": "functions/work.handler", **properties}
        self.constructs.append(Construct(KINDS[kind], name, properties, self._span()))
        return self

    def says(self, actor: str, verb: str, target: str, **properties: Any) -> Builder:
        self.relationships.append(Relationship(verb, self.id(actor), self.id(target), properties, self._span()))
        return self

    def directive(self, subject: str, action: Any, target: str, **properties: Any) -> Builder:
        self.directives.append(Directive(self.id(subject), action, target, properties, self._span()))
        return self

    def requires(self, subject: str | None, name: str, value: float) -> Builder:
        """Of the whole application when no construct is named."""
        self.requirements.append(Requirement(self.id(subject) if subject else None, name, value, self._span()))
        return self

    def id(self, name: str) -> ConstructId:
        return next(item.id for item in self.constructs if item.name == name)

    def application(self) -> Application:
        return Application(
            self.name,
            self.project,
            constructs=tuple(self.constructs),
            relationships=tuple(self.relationships),
            directives=tuple(self.directives),
            requirements=tuple(self.requirements),
        )

    def resolve(self) -> Resolution:
        files = ProgramFiles(self.root)
        return resolve(self.application(), environment="local", files=files, report=Report(), **self._more)

    @property
    def _more(self) -> Any:
        return {"policy": self.policy, "foreign": self.foreign, "paid_by_others": lambda: self.paid}

    def problems(self) -> list[Diagnostic]:
        """What the engine reports, warnings included."""
        report = Report()
        try:
            files = ProgramFiles(self.root)
            resolve(self.application(), environment="local", files=files, report=report, **self._more)
        except ProgramError as error:
            return error.diagnostics
        return report.diagnostics

    def codes(self) -> list[str]:
        return [item.code for item in self.problems()]

    def bundle(self) -> Bundle:
        resolution = self.resolve()
        return render(resolution.graph, resolution.setting, region="us-east-1")

    def types(self) -> list[str]:
        return sorted({resource.type for resource in self.resolve().graph})

    def _span(self) -> Span:
        self.line += 1
        return Span("infra.py", self.line)


@pytest.fixture
def app(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


@pytest.fixture
def another_app(tmp_path: Path) -> Callable[[], Builder]:
    return lambda: Builder(tmp_path)
