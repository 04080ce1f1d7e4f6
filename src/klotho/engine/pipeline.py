"""The whole engine on one screen.

Input: a valid Application. Output: a `Resolution`: the choices made and the resource graph, every resource and
property with its reason. A pass yields changes and never touches a graph; the pipeline folds them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from klotho.application import Application, ConstructId, validate
from klotho.application.files import ProgramFiles
from klotho.catalogue.costs.budget import BUDGET
from klotho.catalogue.foreign import ForeignConstruct, with_owners
from klotho.catalogue.objective import objective_of
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.catalogue.rules import Setting
from klotho.catalogue.worth import MICRO
from klotho.diagnostics import Diagnostic, Report
from klotho.engine.context import Context
from klotho.engine.foreign import refuse_changes
from klotho.engine.passes.apply_guardrails import apply_guardrails
from klotho.engine.passes.apply_overrides import apply_overrides
from klotho.engine.passes.check import check, check_values
from klotho.engine.passes.connect import connect, refuse_senseless
from klotho.engine.passes.encrypt_in_transit import encrypt_in_transit
from klotho.engine.passes.expand_constructs import expand_constructs
from klotho.engine.passes.fill_defaults import fill_defaults
from klotho.engine.passes.grant_permissions import grant_permissions
from klotho.engine.passes.name_connections import name_connections
from klotho.engine.passes.place_in_network import place_in_network
from klotho.engine.passes.select_implementations import select_implementations
from klotho.engine.passes.set_alarms import set_alarms
from klotho.engine.passes.weigh_requirements import weigh_requirements
from klotho.resources import Change, Folding, ResourceGraph

Pass = Callable[[ResourceGraph, Context], Iterable[Change]]

PASSES: tuple[Pass, ...] = (
    select_implementations,  # one choice per construct; every later pass asks what was chosen
    expand_constructs,  # each choice -> its main resources
    weigh_requirements,  # availability -> several zones, where one would not keep it
    connect,  # relationships -> wiring: environment, triggers, routes, service discovery
    place_in_network,  # vpc, subnets, endpoints or NAT, security groups: only what some path needs
    name_connections,  # ways in, calls and logins -> choices, with what else there is: what they are is settled now
    encrypt_in_transit,  # a network that lets nothing through in the clear, where that is required
    grant_permissions,  # relationships -> IAM statements
    set_alarms,  # beside everything that is worth watching, so after everything that makes something
    apply_overrides,  # `override` on generated resources; pins (`use`) were input of the first pass
    fill_defaults,  # best practice for whatever is still unset, so it must see everything else
    apply_guardrails,  # what a protected environment and its bundles insist on: rules look at what would be made
    check,  # schema, limits, outputs, cycles: reads, reports, changes nothing
)


@dataclass(frozen=True)
class Resolution:
    """What the engine found."""

    application: Application
    setting: Setting
    graph: ResourceGraph
    trace: tuple[tuple[str, int], ...]
    """Per pass, how many changes it yielded."""


def resolve(
    application: Application,
    *,
    environment: str,
    files: ProgramFiles,
    report: Report,
    now: float | None = None,
    policy: EnvironmentPolicy | None = None,
    region: str | None = None,
    foreign: Mapping[ConstructId, ForeignConstruct] | None = None,
    paid_by_others: Callable[[], frozenset[str]] = frozenset,
) -> Resolution:
    """Run the passes; raises ProgramError with everything found when the application can't be resolved.

    `report` may hold errors already: what the engine finds besides is added before it raises. `now`: seconds since
    1970, for what expires; without it nothing has. `policy`: what klotho.yaml says of the environment. `region`: whose
    prices budgets are judged by; without it they are not.
    `foreign`: what other applications of the project have published of constructs that are theirs. `paid_by_others`:
    gives the roles of the shared resources that they have; asked only where a choice depends on it.
    """
    foreign = foreign or {}
    validate(application, report)
    refuse_changes(application, foreign, report)
    if report.errors:
        report_mistakes(application, files=files, report=report, environment=environment, now=now, foreign=foreign)
        report.stop_on_errors()
    joined = with_owners(application, foreign)
    policy = policy or EnvironmentPolicy()
    context = Context(joined, environment, files, report, now, policy, region, foreign, paid_by_others)
    context = replace(context, cap=_cap(context))
    graph, trace = _passed(context)
    report.stop_on_errors()
    return Resolution(application, context.setting, graph, trace)


_ROUNDS = 5
"""In which what is made besides the choices is found; it hardly depends on them."""


class _Unheard(Report):
    """Keeps nothing: what is reported was sound where the program is."""

    def add(self, diagnostic: Diagnostic) -> None:
        return


def graph_elsewhere(
    application: Application, *, environment: str, foreign: Mapping[ConstructId, ForeignConstruct] | None = None
) -> ResourceGraph:
    """What a published application becomes, whose program's files are somewhere else: that they are missing is no
    mistake. Only for reckoning: what depends on a file's text, such as the ports of a Dockerfile, is not known."""
    nowhere = ProgramFiles(Path(os.devnull))
    joined = with_owners(application, foreign or {})
    return _passed(Context(joined, environment, nowhere, _Unheard(), foreign=foreign or {}))[0]


def _cap(context: Context) -> int | None:
    """What the choices may cost together, where something else than the cost is to be best within a budget.

    Much of what is made is no choice and costs, too: how much is known once it was made, by resolving unheard. Each
    round takes off what the one before was over; what is left is never less than what the choices may cost.
    """
    budget = context.application.requirements_of_application.get(BUDGET)
    weights, _ = objective_of(context.application)
    if budget is None or context.region is None or set(weights) == {"cost"}:
        return None
    from klotho.catalogue.costs import Usages, estimate

    allowed = cap = round(float(str(budget.value)) * MICRO)
    for _ in range(_ROUNDS):
        trial = replace(context, report=_Unheard(), cap=cap, chosen={})
        found = estimate(_passed(trial)[0].resources, Usages(trial.application), context.region)
        over = math.ceil(found.total.expected * MICRO) - allowed
        if over <= 0 or over > cap:
            break
        cap -= over
    return cap


def _passed(context: Context) -> tuple[ResourceGraph, tuple[tuple[str, int], ...]]:
    """The graph after all passes, and how many changes each yielded."""
    report = context.report
    folding = Folding()
    graph = folding.graph(report)
    trace = []
    for engine_pass in PASSES:
        count = folding.add(engine_pass(graph, context))
        graph = folding.graph(report)
        trace.append((engine_pass.__name__, count))
        if engine_pass is select_implementations:
            context.take_choices(graph)
    return graph, tuple(trace)


def report_mistakes(
    application: Application,
    *,
    files: ProgramFiles,
    report: Report,
    environment: str = "local",
    now: float | None = None,
    foreign: Mapping[ConstructId, ForeignConstruct] | None = None,
) -> None:
    """Add what the engine finds wrong in an application that has mistakes already, so that all are shown at once.

    `foreign`: None where nobody was asked. Makes no resources. Says nothing about a construct's `unread` properties,
    whose mistakes are known.
    """
    joined = with_owners(application, foreign or {})
    context = Context(joined, environment, files, report, now, foreign=foreign or {}, asked=foreign is not None)
    folding = Folding()
    folding.add(select_implementations(folding.graph(report), context))
    context.take_choices(folding.graph(report))
    refuse_senseless(context)
    check_values(context)
    _ = context.links  # looks at every construct and relationship, and reports what it finds
