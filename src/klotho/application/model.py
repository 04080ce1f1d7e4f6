"""The frozen values of the application model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NewType

from klotho.diagnostics import Span

SCHEMA_VERSION = 1

ConstructId = NewType("ConstructId", str)
"""`<kind>/<name>`, for example `Databases.Postgres/orders_db`: unique in an application."""

Json = Any
"""Null, booleans, numbers, text, lists and string-keyed maps; text may hold output tokens (see `values`)."""


@dataclass(frozen=True, slots=True)
class Existing:
    """Infrastructure that is there already: its id, and what else is said of it because its id does not tell it."""

    id: str
    """An ARN or name."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """By name, as `klotho.Existing` takes them: `security_group`, `admin_secret` ..."""


@dataclass(frozen=True, slots=True)
class Construct:
    """Something the application needs."""

    kind: str
    """The name in the SDK: `Compute.Container`, `API` ..."""
    name: str
    properties: Mapping[str, Json] = field(default_factory=dict)
    """Only what the user gave; defaults belong to the catalogue."""
    span: Span | None = None
    stack: str | None = None
    """The stack the user asked for, None for the default segmentation."""
    from_project: bool = False
    """Defined by another repository of the project; only kind and name are given here."""
    existing: Existing | Mapping[str, Existing] | None = None
    """What to adopt, never modified, only referenced; or one by environment: it is made in all others."""
    was: str | None = None
    """The name it is deployed under, where the program has given it another one since; see `renames`."""
    renamed_to: str | None = None
    """Its name in the program, once `renames.as_deployed` has put the former one into `name`."""
    unread: frozenset[str] = field(default=frozenset(), compare=False)
    """Properties whose mistakes are reported already: later checks say nothing about them. Empty in every application
    that is built, and so not part of the JSON."""
    locate: Callable[[str, str | None], Span | None] | None = field(default=None, compare=False, repr=False)
    """Finds a property, or one key of it, in the user's file; set by a front-end that can. Not part of the JSON."""
    id: ConstructId = field(init=False, compare=False, repr=False)
    """Kind and name, put together once: everything asks for it."""

    def place(self, name: str, key: str | None = None) -> Span | None:
        """Where the user wrote a property, or one key of a mapping given for it; else the whole construct."""
        return (self.locate(name, key) if self.locate else None) or self.span

    def adopted_in(self, environment: str) -> Existing | None:
        """What is adopted in this environment; None where the construct is made."""
        return self.existing.get(environment) if isinstance(self.existing, Mapping) else self.existing

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", ConstructId(f"{self.kind}/{self.name}"))

    @property
    def label(self) -> str:
        """The name people and running code know it by; `name` is what it is deployed under."""
        return self.renamed_to or self.name

    @property
    def title(self) -> str:
        """How messages name it: `Databases.Postgres "orders_db"`."""
        return f'{self.kind} "{self.label}"'


@dataclass(frozen=True, slots=True)
class Relationship:
    """`actor.verb(target, …)`."""

    verb: str
    actor: ConstructId
    target: ConstructId
    properties: Mapping[str, Json] = field(default_factory=dict)
    """`protocol`, `route`, `methods` ... as the verb defines them."""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """A trade-off the solver must weigh (`requires`), or a declared usage (`expects`)."""

    subject: ConstructId | None
    """None for the whole application."""
    name: str
    value: Json
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Directive:
    """An explicit override: `use` pins an implementation, `override` sets properties of generated resources."""

    subject: ConstructId
    action: Literal["use", "override"]
    target: str
    """The implementation's name, or the resource type."""
    properties: Mapping[str, Json] = field(default_factory=dict)
    span: Span | None = None


DEFAULT_PROJECT = "default"
"""What groups the records of programs that name no project. They have nothing in common."""


@dataclass(frozen=True)
class Application:
    """Everything one program (or one annotated code base) says."""

    name: str
    project: str = DEFAULT_PROJECT
    environment: str | None = None
    """The environment the program asks for; the command line's `--env` wins."""
    region: str | None = None
    constructs: tuple[Construct, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    directives: tuple[Directive, ...] = ()
    span: Span | None = None

    @property
    def in_project(self) -> bool:
        """Whether it names a project: its repositories share a network and may refer to each other's constructs."""
        return self.project != DEFAULT_PROJECT

    @cached_property
    def by_id(self) -> Mapping[ConstructId, Construct]:
        return {construct.id: construct for construct in self.constructs}

    def construct(self, construct_id: ConstructId) -> Construct:
        return self.by_id[construct_id]

    @cached_property
    def _by_actor(self) -> Mapping[ConstructId, tuple[Relationship, ...]]:
        return _grouped(self.relationships, lambda item: item.actor)

    @cached_property
    def _by_target(self) -> Mapping[ConstructId, tuple[Relationship, ...]]:
        return _grouped(self.relationships, lambda item: item.target)

    @cached_property
    def _by_subject(self) -> Mapping[ConstructId | None, Mapping[str, Requirement]]:
        found: dict[ConstructId | None, dict[str, Requirement]] = {}
        for requirement in self.requirements:
            found.setdefault(requirement.subject, {})[requirement.name] = requirement
        return found

    def requirements_of(self, subject: ConstructId) -> Mapping[str, Requirement]:
        """What holds for a construct, by name: its own, else the application's; the last one said of several."""
        return {**self._by_subject.get(None, {}), **self._by_subject.get(subject, {})}

    @property
    def requirements_of_application(self) -> Mapping[str, Requirement]:
        """What holds for the whole application, by name; the last one said of several."""
        return self._by_subject.get(None, {})

    def relationships_of(self, actor: ConstructId) -> tuple[Relationship, ...]:
        """What this construct does to others, in program order."""
        return self._by_actor.get(actor, ())

    def relationships_on(self, target: ConstructId) -> tuple[Relationship, ...]:
        """What others do to this construct, in program order."""
        return self._by_target.get(target, ())


def _grouped(items: tuple[Relationship, ...], key: Any) -> dict[ConstructId, tuple[Relationship, ...]]:
    groups: dict[ConstructId, list[Relationship]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {name: tuple(group) for name, group in groups.items()}
