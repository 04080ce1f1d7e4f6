"""Everything that must hold of the finished graph. Reads, reports, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from klotho.application import Construct, Requirement, references
from klotho.catalogue.availability import AVAILABILITY
from klotho.catalogue.costs.budget import BUDGET, check_budget
from klotho.catalogue.costs.usage import DEFAULTS as USAGES
from klotho.catalogue.facts import is_known
from klotho.catalogue.facts.validate import validate
from klotho.catalogue.kinds import candidates
from klotho.catalogue.objective import OBJECTIVE
from klotho.catalogue.offers import WEIGHED, facts_of, latency_ms
from klotho.catalogue.residency import RESIDENCY, WORLDWIDE
from klotho.catalogue.transit import TRANSIT
from klotho.diagnostics import Label, Span, meant_or_listed, one_of
from klotho.engine.context import Context
from klotho.engine.cycles import find_cycle
from klotho.engine.passes.against_rules import refuse_against_rules
from klotho.engine.passes.over_budget import in_conflict
from klotho.resources import Change, Precedence, Ref, Resource, ResourceGraph, is_deferred


def check(graph: ResourceGraph, context: Context) -> Iterator[Change]:
    """Report problems; yields nothing."""
    check_values(context)
    _requirements(context)
    _overruled(graph, context)
    if context.region is not None:
        dearer = partial(in_conflict, context)
        check_budget(context.application, graph.resources, context.region, context.report, dearer)
    refuse_against_rules(graph, context)
    if not context.report.errors:
        for resource in graph:
            _schema(resource, context)
            _references(resource, graph, context)
        _resource_cycles(graph, context)
    yield from ()


def check_values(context: Context) -> None:
    """Report outputs that are not there or secret, and values that wait for each other."""
    _outputs(context)
    _value_cycles(context)


def _outputs(context: Context) -> None:
    """Outputs in `environment=`: they exist, and none is a secret."""
    for construct in context.application.constructs:
        if construct.from_project:
            continue  # its values are looked at where it is made
        for construct_id, name in references(construct.properties):
            target = context.application.by_id.get(construct_id)
            if target is None or construct_id not in context.chosen:
                continue
            offered = context.chosen[construct_id].outputs
            if name not in offered:
                context.report.error(
                    "unknown-output",
                    f"{target.title} has no output `{name}`",
                    construct.span,
                    helps=[_instead_of(name, construct, target) or meant_or_listed(name, offered)],
                )
            elif offered[name].secret:
                context.report.error(
                    "secret-in-environment",
                    f"`{name}` of {target.title} is a secret and {construct.title} would keep it in plain text",
                    construct.span,
                    notes=["environment variables are readable in the AWS console and in every template"],
                    helps=[_how_to_fetch(construct, target, name)],
                )


def _instead_of(output: str, construct: Construct, target: Construct) -> str | None:
    """For what only some implementations of a kind have."""
    having = [item.name for item in candidates(target.kind) if output in item.outputs]
    if not having or target.kind != "Compute.Container":
        return None
    return (
        f"write `{construct.name}.calls({target.name})`, then "
        f'`klotho.config.services.get("{target.label}").url` in its code, or make it with {one_of(having)}'
    )


def _how_to_fetch(construct: Construct, target: Construct, output: str) -> str:
    verb, group = ("uses", "secrets") if target.kind == "Secret" else ("reads_from", "datastores")
    return (
        f"let `{construct.name}` use it: `{construct.name}.{verb}({target.name})`, "
        f'then `klotho.config.{group}.get("{target.name}").{output}` in its code'
    )


def _requirements(context: Context) -> None:
    """What nothing was chosen or made by."""
    for requirement in context.application.requirements:
        if requirement.name == RESIDENCY:
            _residency(requirement, context)
            continue
        if requirement.name == OBJECTIVE and requirement.subject is None:
            continue
        if requirement.name in (AVAILABILITY, TRANSIT, BUDGET, *USAGES) and not _is_adopted(requirement, context):
            continue
        if requirement.name in WEIGHED and _chosen_by(requirement, context):
            continue
        context.report.warning(
            "requirement-not-weighed",
            f"`{requirement.name}` is recorded but not weighed: no choice depends on it yet",
            requirement.span,
        )


def _residency(requirement: Requirement, context: Context) -> None:
    """Whoever knows the environment's region checks that; some of what is made is in none."""
    for construct in context.application.constructs:
        if construct.kind in WORLDWIDE and requirement.subject in (None, construct.id):
            context.report.warning(
                "residency-worldwide",
                f"{construct.title} is not bound to `{requirement.value}`: {WORLDWIDE[construct.kind]}",
                requirement.span,
                helps=["serve from a container what must not leave the region"],
            )


def _chosen_by(requirement: Requirement, context: Context) -> bool:
    """Whether it had a say in what something is made of."""
    subject = context.application.by_id.get(requirement.subject) if requirement.subject else None
    made = (subject,) if subject else context.application.constructs
    offered = [item for construct in made for item in candidates(construct.kind)]
    if requirement.name == "max_latency_ms":  # only where something is known of what a candidate adds
        offered = [item for item in offered if latency_ms(facts_of(item))]
    return bool(offered) and not _is_adopted(requirement, context)


def _is_adopted(requirement: Requirement, context: Context) -> bool:
    construct = context.application.by_id.get(requirement.subject) if requirement.subject else None
    return construct is not None and context.setting.adopted(construct) is not None


def _overruled(graph: ResourceGraph, context: Context) -> None:
    """Say what of the program has no effect because the environment insists on something else."""
    for resource in graph if context.policy.protect else ():
        for path, decision in sorted(resource.decisions.items()):
            if decision.winner.rule != "protection_of":
                continue
            for source, value in decision.losers:
                if source.precedence is Precedence.DIRECTIVE:
                    _no_effect(context, f"`{'.'.join(path)}: {value}` of {resource.type}", source.spans[:1])
    for construct, _ in context.resolved:
        if context.policy.protect and construct.properties.get("protect") is False:
            _no_effect(context, f"`protect=False` of {construct.title}", (construct.place("protect"),))


def _no_effect(context: Context, what: str, spans: Sequence[Span | None]) -> None:
    context.report.warning(
        "protected-anyway",
        f"{what} has no effect: the environment `{context.environment}` is protected",
        spans[0] if spans else None,
        helps=["leave it out here; `protect: true` in klotho.yaml decides for the whole environment"],
    )


def _schema(resource: Resource, context: Context) -> None:
    if not is_known(resource.type):
        context.report.error(
            "rule-bug",
            f"{resource.type} has no vendored schema",
            notes=[f"`{resource.key}` comes from rule `{resource.origins[0].rule}`; this is a bug in klotho"],
        )
        return
    for problem in validate(resource.type, resource.properties, is_deferred):
        decision = resource.decisions.get(problem.path) or resource.decisions.get(problem.path[:1])
        source = decision.winner if decision else resource.origins[0]
        said, _, meant = problem.message.partition("; ")
        remedy = (
            "correct it in the override" if source.precedence == Precedence.DIRECTIVE else "change what it comes from"
        )
        context.report.error(
            "bad-property",
            f"`{'.'.join(problem.path)}` of {resource.type} {said}",
            source.spans[0] if source.spans else None,
            notes=[f"set by rule `{source.rule}`, because of {source.because}"],
            helps=[meant or f"{remedy}: AWS's reference of {resource.type} says what it takes"],
        )


def _references(resource: Resource, graph: ResourceGraph, context: Context) -> None:
    named = [item.resource for item in graph.references(resource) if isinstance(item, Ref)]
    for key in (*named, *resource.depends_on):
        if key not in graph:
            origin = resource.origins[0]
            context.report.error(
                "rule-bug",
                f"`{resource.key}` names `{key}`, which no rule adds",
                origin.spans[0] if origin.spans else None,
                notes=[f"rule `{origin.rule}`; this is a bug in klotho, not in your program"],
            )


def _value_cycles(context: Context) -> None:
    """A cycle of outputs, in the user's own words."""
    edges = {
        construct.id: sorted({item.construct for item in references(_needed_to_deploy(construct, context))})
        for construct in context.application.constructs
        if not construct.from_project
    }
    cycle = find_cycle(edges)
    if cycle:
        constructs = [context.application.construct(item) for item in cycle]
        _report_value_cycle(constructs, context)


def _needed_to_deploy(construct: Construct, context: Context) -> dict[str, object]:
    """The properties without those that are only looked at once everything is up."""
    chosen = context.chosen.get(construct.id)
    late = chosen.after_deploy if chosen else frozenset()
    return {name: value for name, value in construct.properties.items() if name not in late}


def _resource_cycles(graph: ResourceGraph, context: Context) -> None:
    found = find_cycle({resource.key: sorted(graph.dependencies(resource)) for resource in graph})
    if found:
        context.report.error(
            "rule-bug",
            f"resources wait for each other: {' → '.join([*found, found[0]])}",
            notes=["this is a bug in klotho, not in your program"],
        )


def _report_value_cycle(constructs: list[Construct], context: Context) -> None:
    names = [f"`{item.name}`" for item in constructs]
    others = [Label(item.span, f"`{item.name}` needs a value of the next one") for item in constructs[1:] if item.span]
    context.report.error(
        "value-cycle",
        f"values go round in a circle: {' → '.join([*names, names[0]])}",
        constructs[0].span,
        text=f"{names[0]} needs a value of {names[1 % len(names)]}",
        also=others,
        helps=[
            "break it: a service finds another one at run time with `a.calls(b)` and `klotho.config.services.get(…)`"
        ],
    )
