"""What a catalogue rule is: the interface between the engine and everything Klotho knows about AWS.

Two kinds of rules. An `Implementation` says what a construct becomes; a `Pair` says what a relationship between two
kinds means. Both are values in a literal tuple (`kinds.IMPLEMENTATIONS`, `relationships.PAIRS`) whose parts are pure
functions that yield actions. A rule sees the application and the choices made, never the graph, so order cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from klotho.application import Application, Construct, ConstructId, Existing, Relationship
from klotho.application.files import ProgramFiles
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.foreign import ForeignConstruct, Shares
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.diagnostics import Report
from klotho.resources import DeployerStep, PackageAsset, ResourceKey, SiteFiles, Value
from klotho.resources.changes import Action


class Placement(Enum):
    """Where an implementation lives."""

    OUTSIDE = "outside any network of ours"
    IF_NEEDED = "in the network only when something it uses is there"
    INSIDE = "in the network always"
    THERE = "in the network already: its users enter it"


class NetworkPlace(NamedTuple):
    """What the network pass hands to an implementation that lives inside."""

    subnets: tuple[Value, ...]
    security_group: Value


class Output(NamedTuple):
    """A value of a deployed construct, usable in `environment=` and shown by `klotho outputs`."""

    value: Callable[[Construct, Setting], Value]
    about: str
    secret: bool = False
    shown: bool = False
    """Whether `klotho up` prints it at the end."""
    internal: bool = False
    """Whether it is an address inside the application's network, which nobody else can call."""


ECS, EKS, LAMBDA = "ecs", "eks", "lambda"
"""What runs code, as `Compute.host` names it."""
STEADY = (ECS, EKS)
"""Hosts on which code runs all the time, so that it may receive and keep connections by itself."""


class Compute(NamedTuple):
    """How relationship rules reach into something that runs code."""

    role: Callable[[Construct], ResourceKey]
    """The IAM role the code runs under."""
    environment: Callable[[Construct, str, Value], Action]
    """Sets one environment variable."""
    main: Callable[[Construct], ResourceKey]
    """The resource that starts the code, which must wait for its permissions."""
    host: str
    """What runs it (`ECS`, `LAMBDA`, …), by which pairs differ: how it is called, what reaches it, what it can do. What
    pairs need besides, they take from the host's own rules."""


class PathTo(NamedTuple):
    """The actor must reach the target inside the network on this TCP port."""

    port: Value
    """A number; for what is there already perhaps one that is looked up."""


class ServiceNeed(NamedTuple):
    """The actor must reach this AWS service (the suffix of its VPC endpoint: `secretsmanager`, `ecr.api`)."""

    service: str
    group: ResourceKey | None = None
    """The security group it is reached from, when that is not the construct's own: a function of Klotho's beside
    a database or an API, which reach nothing themselves."""
    user: ResourceKey | None = None
    """What reaches it from that group, and is there only while it can."""


Need = PathTo | ServiceNeed


@dataclass(frozen=True)
class Parameter:
    """A parameter of a construct: what it means, its unit, and the default a senior engineer would pick."""

    about: str
    default: Any = None
    unit: str = ""


@dataclass(frozen=True)
class Implementation:
    """One way to make a construct of a kind real."""

    kind: str
    name: str
    """What `use("…")` says: `fargate`, `lambda`, `rds` ..."""
    service: str
    """The official name of what runs it, for pictures: `AWS Lambda`."""
    expand: Callable[[Construct, Setting], Iterable[Action]]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    placement: Placement = Placement.OUTSIDE
    enter_network: Callable[[Construct, NetworkPlace, Setting], Iterable[Action]] | None = None
    group: ResourceKey | None = None
    """The security group it shares with others, which its own rules make; None for one of its own."""
    needs: Callable[[Construct, Setting], Iterable[ServiceNeed]] = lambda construct, setting: ()
    """AWS services it must reach by itself when it is in the network."""
    compute: Compute | None = None
    spread: Callable[[Construct, Setting], Iterable[Action]] = lambda construct, setting: ()
    """What lets it survive the loss of an availability zone, where `tables/availability.toml` says that costs more."""
    check_spread: Callable[[Construct, Setting, Report], None] = lambda construct, setting, report: None
    """Reports parameters that contradict `spread`."""
    stateful: bool = False
    keeps: Callable[[Construct, Setting], bool] = lambda construct, setting: True
    """Whether its data is kept when a stack lets go of it (`retention.RETENTION`)."""
    adoption: Adoption | None = None
    """How `existing=` tells one that is there already; None where that would mean nothing."""
    instead_of_adoption: tuple[str, str] = ("nothing of it could be there already", "leave out `existing=`")
    """Without one: why not, and what to write."""
    shares: Callable[[Construct, Setting], Shares] = lambda construct, setting: ()
    """What other applications of the project may need of it: roles of its resources (`*` stands for any text) with an
    attribute, or None for what `Ref` gives. Those that it has are outputs of its stacks."""
    instead_of_sharing: str = ""
    """What to do instead of `from_project=True`, for a kind that belongs to no application."""
    asset: Callable[[Construct, Setting], PackageAsset | None] = lambda construct, setting: None
    common_asset: Callable[[Setting], PackageAsset] | None = None
    """What is built once for all constructs made so."""
    files: Callable[[Construct, Setting], SiteFiles | None] = lambda construct, setting: None
    """Files that are published once the stacks are up."""
    remade: frozenset[str] = frozenset()
    """Roles of resources whose content the deployer makes again: they hold no data, and are emptied to be deleted."""
    after_deploy: frozenset[str] = frozenset()
    """Parameters whose values are only needed once the stacks are up, so that outputs in them close no circle."""
    steps: Callable[[Construct, Setting], Iterable[DeployerStep]] = lambda construct, setting: ()
    """What the deployer does for it outside of CloudFormation; the results are `Provided` values."""
    unable: Callable[[Construct, Application], Iterable[str]] = lambda construct, application: ()
    """Why it can't be what the construct's relationships ask for, beyond what its host has no pair for."""
    fits: Callable[[Construct], bool] = lambda construct: True
    """Whether it can be what the construct's own parameters ask for; the first candidate that fits is chosen."""
    check: Callable[[Construct, Setting, Report], None] = lambda construct, setting, report: None
    """Reports parameters that make no sense, before anything is expanded."""


@dataclass(frozen=True)
class Pair:
    """What one relationship between two kinds means."""

    verbs: tuple[str, ...]
    actors: tuple[str, ...]
    targets: tuple[str, ...]
    creates: str
    """What it makes, in one line, for the table of pairs in the docs."""
    actor_on: tuple[str, ...] = ()
    """Hosts of the actor (`Compute.host`), where the pair differs by what runs it; empty for whatever does."""
    target_on: tuple[str, ...] = ()
    """The same of the target."""
    connect: Callable[[Link], Iterable[Action]] = lambda link: ()
    """Wiring: environment, triggers, routes, service discovery."""
    grant: Callable[[Link], Iterable[Action]] = lambda link: ()
    """IAM statements with exact actions on exact ARNs."""
    needs: Callable[[Link], Iterable[Need]] = lambda link: ()
    check: Callable[[Link, Report], None] = lambda link, report: None

    def carried_by(self, actor: Implementation | None, target: Implementation | None) -> bool:
        """Whether it is the pair for ends made so; None for one that is not known yet and may be anything."""
        return _hosts(actor, self.actor_on) and _hosts(target, self.target_on)


def _hosts(end: Implementation | None, hosts: tuple[str, ...]) -> bool:
    return not hosts or end is None or (end.compute is not None and end.compute.host in hosts)


class Setting:
    """The application and the choices made for it: all a rule may look at."""

    def __init__(
        self,
        application: Application,
        choices: Mapping[ConstructId, Implementation],
        environment: str,
        files: ProgramFiles,
        now: float | None = None,
        policy: EnvironmentPolicy | None = None,
        foreign: Mapping[ConstructId, ForeignConstruct] | None = None,
    ) -> None:
        """`application`: as its program says, with what their owners say of the constructs in `foreign`."""
        self._foreign = foreign or {}
        self.policy = policy or EnvironmentPolicy()
        self.application = application
        self.choices = choices
        self.environment = environment
        self.files = files
        self.now = now
        """Seconds since 1970, for what expires; None where nobody said. Never part of what is made."""
        self._used = {
            directive.subject: directive.properties for directive in application.directives if directive.action == "use"
        }

    def implementation(self, construct: Construct) -> Implementation:
        return self.choices[construct.id]

    def parameter(self, construct: Construct, name: str) -> Any:
        """The parameter's value: from `use(…)`, else as the user gave it, else the implementation's default."""
        used = self._used.get(construct.id, {})
        if name in used:
            return used[name]
        given = construct.properties.get(name)
        if given is not None:
            return given
        return self.choices[construct.id].parameters[name].default

    def adopted(self, construct: Construct) -> Existing | None:
        """What `existing=` gives in this environment; None for what is made."""
        return construct.adopted_in(self.environment)

    def foreign(self, construct: Construct) -> ForeignConstruct | None:
        """What its owner has published, for a construct of another application; None for one of ours."""
        return self._foreign.get(construct.id)

    def owner(self, construct: Construct) -> Application:
        """The application that makes it."""
        found = self._foreign.get(construct.id)
        return self.application if found is None else found.application

    @cached_property
    def in_existing_network(self) -> bool:
        """Whether the application lives in a network that is there already."""
        return any(item.kind == "Network" and self.adopted(item) for item in self.application.constructs)

    def calls_in_circle(self, construct: Construct) -> bool:
        """Whether this construct, directly or through others, calls itself back."""
        return construct.id in self._circular

    @cached_property
    def _circular(self) -> frozenset[ConstructId]:
        called: dict[ConstructId, set[ConstructId]] = {}
        for relationship in self.application.relationships:
            if relationship.verb == "calls":
                called.setdefault(relationship.actor, set()).add(relationship.target)
        return frozenset(item for item in called if item in _reachable(item, called))

    def compute(self, construct: Construct) -> Compute:
        """How to reach into a construct that runs code; only called for kinds a pair lists as such."""
        compute = self.implementation(construct).compute
        assert compute is not None, construct.id
        return compute


def _reachable(start: ConstructId, edges: Mapping[ConstructId, set[ConstructId]]) -> set[ConstructId]:
    seen: set[ConstructId] = set()
    open_ends = [start]
    while open_ends:
        for target in edges.get(open_ends.pop(), ()):
            if target not in seen:
                seen.add(target)
                open_ends.append(target)
    return seen


class Link(NamedTuple):
    """One relationship with both ends looked up."""

    relationship: Relationship
    actor: Construct
    target: Construct
    setting: Setting

    def get(self, name: str, default: Any = None) -> Any:
        """A property of the relationship: `protocol`, `route`, `methods`."""
        value = self.relationship.properties.get(name)
        return default if value is None else value
