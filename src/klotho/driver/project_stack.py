"""The stack of what all repositories of a project use: network, cluster, namespace, ways in and out.

Input: a compiled program, what each application of the project claims, a change. Output: the stack as it is to be, and
what became of it. It holds everything that any application needs, changes under the project's lease, grows before an
application is deployed and shrinks after one is, so that no order of deployments takes away what somebody uses. Refuses
(`Failure`, `project-stack-differs`) an application that wants another network than the others have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from klotho.deploy.assets import BuiltAsset
from klotho.deploy.desired import deployed_digest
from klotho.deploy.events import DeploymentPlanned, Event, Sink, StackUnchanged, Step
from klotho.deploy.orchestrator import Orchestrator, StackOutcome
from klotho.deploy.place import Clients
from klotho.deploy.template import parsed
from klotho.diagnostics import Failure, Span
from klotho.driver.change import Change
from klotho.driver.local_cloud import local_failures
from klotho.driver.machine import new_run_id
from klotho.driver.origin import origin_of
from klotho.driver.session import Session
from klotho.registry import Claim, Claims
from klotho.resources.naming import project_stack_name
from klotho.stacks import PROJECT_STACK, AssetSource, Disagreement, Manifest, Stack, covers, union

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klotho.driver.build import Build

PATIENCE_S = 1800.0
"""How long another repository that changes the stack is waited for: a network with NAT gateways takes minutes."""


def stack_of(manifest: Manifest) -> Stack | None:
    """The project's stack, if this application needs anything of it."""
    return next((stack for stack in manifest.stacks if stack.shared), None)


def claim_of(built: Build) -> Claim | None:
    """What the application needs, as its program says it."""
    from importlib.metadata import version

    stack = stack_of(built.manifest)
    if stack is None:
        return None
    where, spoken = origin_of(built.program.folder, built.environment.target).shown(), spoken_of(built)
    line = f"{where.rstrip('/')}/{spoken}" if spoken is not None else ""
    return Claim(built.application.name, parsed(built.templates[stack.template]), where, line, version("klotho"))


def revision_claim(application: str, manifest: Manifest, templates: Mapping[str, bytes], where: str) -> Claim | None:
    """What an earlier deployment of it needed."""
    from importlib.metadata import version

    stack = stack_of(manifest)
    if stack is None:
        return None
    return Claim(application, parsed(templates[stack.template]), where, "", version("klotho"))


class Foreseen(NamedTuple):
    """A manifest with its templates, in which the project's stack is as the whole project needs it."""

    manifest: Manifest
    templates: Mapping[str, bytes]


def foreseen(
    manifest: Manifest, templates: Mapping[str, bytes], own: Claim | None, claims: Claims, at: Span | None = None
) -> Foreseen:
    """The stack as it is to be. Failure when two applications want different things; `at` is the line of this one."""
    stack = stack_of(manifest)
    if stack is None or own is None:
        return Foreseen(manifest, templates)
    with local_failures():
        known = claims.all()
    body = _bytes(_union({**known, own.application: own}, own, at))
    stacks = tuple(_with_body(stack, body) if item is stack else item for item in manifest.stacks)
    return Foreseen(replace(manifest, stacks=stacks), {**templates, stack.template: body})


class ProjectStack:
    """The project's stack, while one application is deployed (`Orchestrator`'s `shared`)."""

    def __init__(
        self, claims: Claims, name: str, own: Claim | None, change: Change, opened: Session, sink: Sink
    ) -> None:
        """`name`: the application; `own`: what it needs from now on, None for nothing. `opened` passes its lease."""
        self._claims = claims
        self._name = name
        self._own = own
        self._change = change
        self._opened = opened
        self._sink = sink

    def deploy(self, stack: Stack) -> StackOutcome:
        """Bring it to hold what the application needs besides what it and the others had claimed before."""
        own = self._own
        assert own is not None, "an application that needs nothing has no such stack"
        known = self._claims.all()
        before = known.get(own.application)
        if before is not None and covers(before.template, own.template):
            there = self._opened.calls.find(stack.stack_name)
            wanted = _with_body(stack, _bytes(_union(known, own)))
            if there is not None and there.settled_well and there.digest == deployed_digest(wanted, {}):
                self._sink(StackUnchanged(stack.name))
                return StackOutcome(stack.name, "unchanged", there.outputs)
        with self._change.shared(PATIENCE_S) as lease:
            known = self._claims.all()
            before = known.get(own.application)
            both = own if before is None else replace(own, template=union({"a": before.template, "b": own.template})[0])
            template = _union({**known, own.application: both}, own)
            self._claims.write(both)
            return self._bring(stack, _bytes(template), lease.guard)

    def settle(self, project: str, environment: str) -> StackOutcome | None:
        """The application is deployed: take out of the stack what nobody needs any more. None when it stays."""
        name = project_stack_name(project, environment, PROJECT_STACK)
        known = self._claims.all()
        before = known.get(self._name)
        if before is None and self._own is None:
            return None
        if before is not None and self._own is not None and before.template == self._own.template:
            return None
        with self._change.shared(PATIENCE_S) as lease:
            if self._own is None:
                self._claims.withdraw(self._name)
            else:
                self._claims.write(self._own)
            return self._shrink(name, project, environment, lease.guard)

    def _shrink(self, name: str, project: str, environment: str, guard: Any) -> StackOutcome | None:
        there = self._opened.calls.find(name)
        if there is None:
            return None
        known = self._claims.all()
        if not known:
            self._sink(Step(f"no application of project {project} needs its shared stack any more"))
            session = self._opened.guarded(guard)
            nothing = Manifest("", project, environment, session.clients.place.region, (), (), ())
            return _orchestrator(nothing, {}, session, self._sink).delete([there]).outcomes[0]
        body = _bytes(union({item.application: item.template for item in known.values()})[0])
        tags = {key: value for key, value in there.tags.items() if key.startswith("klotho:") and key != _STATEFUL}
        stack = Stack(
            name=PROJECT_STACK,
            stack_name=name,
            template=f"{PROJECT_STACK}.template.json",
            digest=hashlib.sha256(body).hexdigest(),
            parameters={},
            depends_on=(),
            stateful=False,
            constructs=(),
            tags=tags,
            shared=True,
        )
        if there.settled_well and there.digest == deployed_digest(stack, {}):
            return None
        return self._bring(stack, body, guard)

    def _bring(self, stack: Stack, body: bytes, guard: Any) -> StackOutcome:
        session, wanted = self._opened.guarded(guard), _with_body(stack, body)
        there = session.calls.find(stack.stack_name)
        project, environment = stack.tags["klotho:project"], stack.tags["klotho:environment"]
        alone = replace(wanted, depends_on=())
        manifest = Manifest("", project, environment, session.clients.place.region, (alone,), (), ())
        orchestrator = _orchestrator(manifest, {stack.template: body}, session, self._sink)
        deployment = orchestrator.deploy({} if there is None else {stack.stack_name: there}, checked=True)
        return deployment.outcomes[0]


_STATEFUL = "klotho:stateful"


def spoken_of(built: Build) -> Span | None:
    """The line that speaks of the network, if one does."""
    return next((item.span for item in built.application.constructs if item.kind == "Network"), None)


def _with_body(stack: Stack, body: bytes) -> Stack:
    return replace(stack, digest=hashlib.sha256(body).hexdigest())


def _bytes(template: Mapping[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(template, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _union(known: Mapping[str, Claim], own: Claim, at: Span | None = None) -> dict[str, Any]:
    """Failure for what the application at hand and another one want differently; `at` is its line."""
    template, disagreements = union({item.application: item.template for item in known.values()})
    if disagreements:
        whole_first = min(disagreements, key=lambda item: (len(item.logical_id), item.place))  # the VPC, not a subnet
        raise _told(whole_first, known, own, at)
    return template


def _told(found: Disagreement, known: Mapping[str, Claim], own: Claim, at: Span | None) -> Failure:
    one, two = (known[name] for name in sorted(found.wanted, key=lambda name: name == own.application))
    values = {name: _shown(value) for name, value in found.wanted.items()}
    notes = [
        f"in `{claim.application}`: {values[claim.application]} ({claim.line or claim.where})" for claim in (one, two)
    ]
    if one.klotho != two.klotho:
        notes.append(f"`{one.application}` was deployed by Klotho {one.klotho}, `{two.application}` by {two.klotho}")
    return Failure(
        "project-stack-differs",
        f"`{one.application}` and `{two.application}` want different things of their project: "
        f"{'.'.join((found.logical_id, *found.place[1:]))}",
        at=at,
        notes=(*notes, "the repositories of a project share one network, cluster and namespace in an environment"),
        helps=("say the same `Network(…)` in both, or leave it out in both", "or give one of them another project"),
    )


def _shown(value: Any) -> str:
    import orjson

    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _orchestrator(manifest: Manifest, templates: Mapping[str, bytes], session: Session, sink: Sink) -> Orchestrator:
    def quiet(event: Event) -> None:
        if not isinstance(event, DeploymentPlanned):  # it is a part of the application's own plan
            sink(event)

    return Orchestrator(
        manifest, templates, _NoAssets(), session.clients, pace=session.pace, sink=quiet, run_id=new_run_id()
    )


class _NoAssets:
    """What is shared has no code."""

    def future(self, construct: str) -> Future[BuiltAsset]:
        raise AssertionError(construct)

    def value(self, source: AssetSource, bucket: str) -> str:
        raise AssertionError(source)

    def upload(self, constructs: Iterable[str], clients: Clients) -> None:
        """None."""
