"""What passes share: the application, where problems go, and the setting that rules may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from klotho.application import Application, Construct, ConstructId, Relationship
from klotho.application.files import ProgramFiles
from klotho.catalogue.existing import adopting
from klotho.catalogue.foreign import ForeignConstruct, lent
from klotho.catalogue.kinds import implementation
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.relationships import find_pair
from klotho.catalogue.relationships.foreign import check_ends
from klotho.catalogue.rules import Implementation, Link, Pair, Setting
from klotho.catalogue.worth import Worths
from klotho.diagnostics import Report, Span
from klotho.resources import Change, Precedence, Provenance, ResourceGraph
from klotho.resources.changes import Action


@dataclass
class Context:
    """One resolution. Passes read it and never change it."""

    application: Application
    environment: str
    files: ProgramFiles
    report: Report
    now: float | None = None
    policy: EnvironmentPolicy = field(default_factory=EnvironmentPolicy)
    region: str | None = None
    """Whose prices budgets are judged by; None: they are not judged."""
    foreign: Mapping[ConstructId, ForeignConstruct] = field(default_factory=dict)
    """What other applications of the project have published of the constructs that are theirs."""
    paid_by_others: Callable[[], frozenset[str]] = frozenset
    """Gives the roles of shared resources that other applications of the project have. Asked only where it matters."""
    cap: int | None = None
    """What the choices may cost together, in millionths of a US dollar a month: the application's budget without what
    is made besides. None: whatever they cost."""
    asked: bool = True
    """Whether it was asked what they have published."""
    chosen: dict[ConstructId, Implementation] = field(default_factory=dict)
    """Filled by the pipeline from the graph's choices, once the first pass has run."""

    def take_choices(self, graph: ResourceGraph) -> None:
        for construct in self.application.constructs:
            if construct.id in graph.choices and construct.id not in self.chosen:
                chosen = implementation(construct.kind, graph.choices[construct.id].implementation)
                adopted = self.setting.adopted(construct) is not None and chosen.adoption is not None
                found = self._theirs.get(construct.id)
                if found is not None:
                    self.chosen[construct.id] = lent(chosen, found)
                else:
                    self.chosen[construct.id] = adopting(chosen, construct, self.setting) if adopted else chosen

    @cached_property
    def paid(self) -> frozenset[str]:
        """Roles of shared resources that cost nothing more."""
        return self.paid_by_others()

    @cached_property
    def worths(self) -> Worths:
        """What candidates would cost, reckoned before anything is chosen."""
        return Worths(self.application, self.environment, self.files, self.policy, self.region)

    @cached_property
    def setting(self) -> Setting:
        return Setting(self.application, self.chosen, self.environment, self.files, self.now, self.policy, self._theirs)

    @cached_property
    def _theirs(self) -> Mapping[ConstructId, ForeignConstruct]:
        """Those that their owners make; what an owner adopts itself is adopted here in the same way."""
        made = {item.id for item in self.application.constructs if item.adopted_in(self.environment) is None}
        return {name: found for name, found in self.foreign.items() if name in made}

    @cached_property
    def resolved(self) -> tuple[tuple[Construct, Implementation], ...]:
        """Every construct whose properties make sense, in program order; the others are reported.

        What fails here takes no part in any later pass, so that one mistake gives one message.
        """
        found = []
        for construct in self.application.constructs:
            if construct.id not in self.chosen:
                continue
            before = self.report.error_count
            self.chosen[construct.id].check(construct, self.setting, self.report)
            if self.report.error_count == before and not construct.unread:
                found.append((construct, self.chosen[construct.id]))
        return tuple(found)

    @cached_property
    def links(self) -> tuple[tuple[Link, Pair], ...]:
        """Every relationship that some pair of the catalogue gives a meaning, in program order.

        Those whose properties make no sense are reported and left out.
        """
        found = []
        sound = {construct.id for construct, _ in self.resolved}
        for relationship in self.application.relationships:
            if relationship.actor not in self.chosen or relationship.target not in self.chosen:
                continue
            actor = self.application.construct(relationship.actor)
            target = self.application.construct(relationship.target)
            made_of = (self.chosen[actor.id], self.chosen[target.id])
            pair = find_pair(relationship.verb, actor.kind, target.kind, made_of)
            if pair is None or actor.id == target.id or actor.unread or target.unread:
                continue
            link = Link(relationship, actor, target, self.setting)
            before = self.report.error_count
            self._check_actor(link)
            check_ends(link, self.report)
            pair.check(link, self.report)
            if self.report.error_count == before and {actor.id, target.id} <= sound:
                found.append((link, pair))
        return tuple(found)

    def _check_actor(self, link: Link) -> None:
        """Code that is deployed elsewhere can't be given permissions: its role is not changed."""
        if self.setting.adopted(link.actor) is None or self.chosen[link.actor.id].compute is None:
            return
        self.report.error(
            "existing-changed",
            f"{link.actor.title} is there already (`existing=`): `{link.relationship.verb}` would change its role",
            link.relationship.span,
            helps=["others can call it; what it may do itself is decided where it is deployed"],
        )


def because_of(construct: Construct, rule: Callable[..., object]) -> Provenance:
    """Provenance of what a construct itself means."""
    return Provenance(rule.__name__, _spans(construct.span), construct.title)


def because_of_link(link: Link, rule: Callable[..., object]) -> Provenance:
    """Provenance of what a relationship means."""
    return Provenance(
        rule.__name__, _spans(link.relationship.span, link.target.span), sentence(link.relationship, link)
    )


def sentence(relationship: Relationship, link: Link) -> str:
    """`Compute.Container "orders" reads_from Databases.Postgres "orders_db"`."""
    return f"{link.actor.title} {relationship.verb} {link.target.title}"


def attributed(provenance: Provenance, actions: Iterable[Action]) -> Iterator[Change]:
    """The actions a rule yields, with the reason attached."""
    for action in actions:
        yield Change(action, provenance)


def with_precedence(provenance: Provenance, precedence: Precedence) -> Provenance:
    return provenance._replace(precedence=precedence)


def _spans(*spans: Span | None) -> tuple[Span, ...]:
    return tuple(span for span in spans if span is not None)
