"""`klotho explain NAME` for what a program has: why it is there.

Input: a program, an environment's name, a topic. Output: an `Explanation`, or None for what the program does not have.
Deploys nothing and asks no account: of other applications it knows what this machine has seen. Refuses
(`explain-ambiguous`) a name that several things have, and a program with mistakes.
"""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.diagnostics import ExitCode, Failure, Span
from klotho.driver import projects
from klotho.driver.build import Build, build
from klotho.driver.machine import runs_in_ci
from klotho.driver.program import Program
from klotho.driver.project_stack import stack_of
from klotho.resources import ResourceKey

if TYPE_CHECKING:
    from klotho.explain import Compiled, Explainer, Explanation


def explainer_of(program: Program, environment: str | None) -> Explainer:
    """Of a program compiled for an environment."""
    from klotho.explain import Explainer

    return Explainer(explainable(build(program, environment, in_ci=runs_in_ci())))


def explainable(built: Build) -> Compiled:
    """A build as explanations need it."""
    from klotho.explain import Compiled

    return Compiled(
        built.application,
        built.graph,
        built.keys,
        built.manifest,
        built.templates,
        lambda span: _snippet(built.program.folder, span),
        {name: found.owner for name, found in built.foreign.items()},
        _claims(built),
        _monthly(built),
    )


def explained(explainer: Explainer, topic: str) -> Explanation | None:
    from klotho.explain import AmbiguousTopicError

    try:
        return explainer.explain(topic)
    except AmbiguousTopicError as error:
        raise Failure(
            "explain-ambiguous",
            f"several things of this program are called `{topic}`",
            helps=[f"run `klotho explain {name}`" for name in error.names[:8]],
            exit_code=ExitCode.USAGE,
        ) from error


def _snippet(folder: Path, span: Span) -> str | None:
    """The line, or the first of several; None for what looks like a secret."""
    from klotho.deploy.shown import masked

    text = linecache.getline(str(folder / span.file), span.line).strip()
    more = " …" if span.end_line is not None and span.end_line != span.line else ""
    return f"{text}{more}" if text and masked(text) == text else None


def _claims(built: Build) -> Mapping[str, frozenset[str]]:
    """Which other applications need a resource of the project's stack, as this machine knows it."""
    if stack_of(built.manifest) is None or built.environment.target != "local":
        return {}
    application = built.application
    claims = projects.claims_on_this_machine(application.project, built.environment.name)
    found: dict[str, set[str]] = {}
    for name, claim in claims.items():
        for logical_id in claim.template.get("Resources", {}) if name != application.name else ():
            found.setdefault(logical_id, set()).add(name)
    return {logical_id: frozenset(names) for logical_id, names in found.items()}


def _monthly(built: Build) -> Mapping[ResourceKey, float]:
    """What each resource costs as far as that is known; nothing is known of one with a price missing."""
    from klotho.catalogue.costs import Usages, estimate

    found = estimate(built.graph.resources, Usages(built.application), built.region)
    costs: dict[ResourceKey, float] = dict.fromkeys(found.free, 0.0)
    for line in found.lines:
        costs[line.resource] = costs.get(line.resource, 0.0) + line.usd.expected
    for item in found.unpriced:
        costs.pop(item.resource, None)
    return costs
