"""Carries moves out: resources go to another stack and stay what they are, their data too.

Input: `Move`s, what is deployed, and the manifest's stacks. Output: nothing; afterwards the resources are in the other
stack, with literal values, and the ordinary deployment brings both stacks to what the manifest says. Allowed effects:
CloudFormation calls. `Failure` (`move-refused`) when CloudFormation moves them neither way; nothing is lost then.

First both stacks are made ready: a placeholder where a stack would hold nothing, and outputs for what one side must
still know of the other. Then one stack refactor moves everything at once. What CloudFormation does not refactor is
retained by its stack, let go, and imported into the other; before that, what is to be imported is written down in the
other stack's template, so that a run that dies in between is finished by the next. A digest that no manifest has keeps
both stacks from being taken for deployed. Source: CloudFormation User Guide, "Stack refactoring", "Resource import".
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from klotho.catalogue.facts import is_custom, is_known, schema
from klotho.catalogue.retention import PLACEHOLDER as STAND_IN
from klotho.deploy.denials import DENIAL_HELP, denial
from klotho.deploy.deployed import WHILE_MOVING
from klotho.deploy.differences import holds_data
from klotho.deploy.events import Sink, Step
from klotho.deploy.interrupted import interrupted
from klotho.deploy.literals import Reference, filled, references_in
from klotho.deploy.moves import PLACEHOLDER, Move, Template, crossing
from klotho.deploy.place import Clients, Pace, translated
from klotho.deploy.stacks import STATEFUL_TAG, DeployedStack, Request, StackCalls
from klotho.diagnostics import ExitCode, Failure
from klotho.stacks import DIGEST, Manifest

_OUTPUT = "KlothoMoving"
_BUSY = ("CREATE_IN_PROGRESS", "EXECUTE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS")


class Mover:
    """Carries out the moves of one run."""

    def __init__(self, manifest: Manifest, clients: Clients, pace: Pace, sink: Sink, run_id: str) -> None:
        self._manifest = manifest
        self._cloudformation: Any = clients.cloudformation
        self._calls = StackCalls(clients, pace, sink)
        self._pace = pace
        self._sink = sink
        self._run_id = run_id
        self._serial = 0

    def move(self, move: Move) -> None:
        """Bring the resources of one construct into the other stack."""
        name = move.construct.rpartition("/")[2]
        self._sink(Step(f"moving {name} from {move.source} to {move.target}: its data stay"))
        source = self._calls.template(move.source)
        known = self._ready_source(move.source, source, set(move.names))
        source = self._calls.template(move.source)
        target = self._ready_target(move.target)
        refused = self._refactor(move, _without(source, move, known), _with(target, source, move, known))
        if refused:
            self._sink(Step(f"CloudFormation does not refactor {name} ({refused}): retaining and importing it"))
            self._retain_and_import(move, refused)

    def finish(self, stacks: Iterable[DeployedStack]) -> set[str]:
        """Import what an earlier run had let go and not imported yet; gives the names of the stacks it changed."""
        touched: set[str] = set()
        for found in interrupted(stacks, self._calls):
            name = found.stack.stack_name
            self._sink(Step(f"importing into {name} what an earlier run moved from {' and '.join(found.sources)}"))
            self._let_go(found.waiting)
            self._import(name, found.template, found.waiting)
            touched |= {name, *found.sources}
        return touched

    # Making ready

    def _ready_source(
        self, stack: str, template: Mapping[str, Any], moving: set[str], also: Iterable[Reference] = ()
    ) -> dict[Reference, str]:
        """The values that one side must know of the other, and those of `also`, read from outputs made for that."""
        ready = copy.deepcopy(dict(template))
        wanted = sorted({*crossing(template, moving), *also})
        outputs = {f"{_OUTPUT}{number}": {"Value": item.value} for number, item in enumerate(wanted)}
        ready["Outputs"] = {
            **{key: item for key, item in ready.get("Outputs", {}).items() if not key.startswith(_OUTPUT)},
            **outputs,
        }
        if set(ready["Resources"]) <= moving:
            ready["Resources"][PLACEHOLDER] = STAND_IN
        self._update(stack, ready, "making it ready to move from")
        there = self._calls.describe(stack)
        values = {item: there.outputs[f"{_OUTPUT}{number}"] for number, item in enumerate(wanted)}
        return values | {Reference(name): value for name, value in there.parameters.items()}

    def _ready_target(self, name: str, importing: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The stack as it is, or as it is made here; with a note of what is to be imported."""
        stack = next(item for item in self._manifest.stacks if item.stack_name == name)
        there = self._calls.deployed(
            project=self._manifest.project,
            environment=self._manifest.environment,
            application=self._manifest.application,
        ).get(name)
        if there is None:
            made: dict[str, Any] = {
                "AWSTemplateFormatVersion": "2010-09-09",
                "Description": f"Klotho stack {stack.name}",
                **_digest_sections(),
                "Resources": {PLACEHOLDER: STAND_IN},
            }
            tags = {**stack.tags, STATEFUL_TAG: str(stack.stateful).lower()}
            request = self._request(name, made, {}, tags)
            self._settled(self._calls.create(request, _unheard), name, "making the stack to move to")
        else:
            made = self._calls.template(name)
            self._update(name, made, "making it ready to move to")
        if importing is not None:
            made = {**made, "Metadata": {"klotho": {"importing": importing}}}
            self._update(name, made, "noting what is to be imported")
        return made

    # Refactoring

    def _refactor(self, move: Move, source: Template, target: Template) -> str:
        """Why CloudFormation does not do it; empty when it is done."""
        with translated("moving resources between stacks"):
            made = self._cloudformation.create_stack_refactor(
                Description=f"klotho: {move.construct}"[:1024],
                StackDefinitions=[
                    {"StackName": name, **self._argument(template)}
                    for name, template in ((move.source, source), (move.target, target))
                ],
                ResourceMappings=[
                    {
                        "Source": {"StackName": move.source, "LogicalResourceId": item.source},
                        "Destination": {"StackName": move.target, "LogicalResourceId": item.target},
                    }
                    for item in move.resources
                ],
            )["StackRefactorId"]
        found = self._refactor_settled(made, "Status")
        if found["Status"] != "CREATE_COMPLETE":
            return str(found.get("StatusReason") or found["Status"])
        with translated("moving resources between stacks"):
            self._cloudformation.execute_stack_refactor(StackRefactorId=made)
        found = self._refactor_settled(made, "ExecutionStatus")
        if found["ExecutionStatus"] != "EXECUTE_COMPLETE":
            return str(found.get("ExecutionStatusReason") or found["ExecutionStatus"])
        return ""

    def _refactor_settled(self, refactor: str, key: str) -> Mapping[str, Any]:
        interval = self._pace.fastest
        while True:
            with translated("following a stack refactor"):
                found: Mapping[str, Any] = self._cloudformation.describe_stack_refactor(StackRefactorId=refactor)
            # "AVAILABLE" after ExecuteStackRefactor: it has not begun yet.
            if found[key] not in (*_BUSY, "AVAILABLE"):
                return found
            self._pace.sleep(interval)
            interval = min(interval * 1.5, self._pace.slowest)

    # Retaining and importing

    def _retain_and_import(self, move: Move, refused: str) -> None:
        source = self._calls.template(move.source)
        moving = {item.source: item for item in move.resources if _can_be_imported(item.type)}
        physical = self._physical_ids(move.source)
        known = self._ready_source(move.source, source, set(moving), _identifying(source, moving))
        names = {name: item.target for name, item in moving.items()}
        inside = {item: value for item, value in known.items() if item.name not in moving}
        importing = {}
        for name, item in moving.items():
            resource = _independent(filled(source["Resources"][name], inside, names), set(source["Resources"]))
            importing[item.target] = {
                "type": item.type,
                "identifier": _identifier(item.type, source["Resources"][name], known, physical[name]),
                "from": [move.source, name],
                "resource": {"DeletionPolicy": "Retain", **resource},
            }
        if not any(holds_data(source["Resources"][name]) for name in moving):
            raise Failure(
                "move-refused",
                f"{move.construct.rpartition('/')[2]} can't be moved to another stack",
                notes=(f"CloudFormation said: {refused}", "its data are where they were"),
                helps=("leave it in the stack it is in",),
                exit_code=ExitCode.RESOURCE_FAILED,
            )
        outside = {item: value for item, value in known.items() if item.name in moving}
        kept = {
            name: {**item, "DeletionPolicy": "Retain"} if name in moving else filled(item, outside, {})
            for name, item in source["Resources"].items()
        }
        self._update(move.source, {**source, "Resources": kept}, "retaining what moves")
        ready = self._ready_target(move.target, importing)
        self._let_go(importing)
        self._import(move.target, ready, importing)

    def _let_go(self, importing: Mapping[str, Any]) -> None:
        """Take the resources out of the stacks they are in, which retain them."""
        for stack in sorted({item["from"][0] for item in importing.values()}):
            template = self._calls.template(stack)
            names = {item["from"][1] for item in importing.values() if item["from"][0] == stack}
            if names & set(template["Resources"]):
                self._update(stack, _dropping(template, names), "letting go of what moves")

    def _import(self, stack: str, template: Template, importing: Mapping[str, Any]) -> None:
        there = self._calls.describe(stack)
        body = {
            **template,
            "Resources": {**template["Resources"], **{name: item["resource"] for name, item in importing.items()}},
        }
        token = self._token(stack)
        with translated(f"importing into stack {stack}"):
            self._cloudformation.create_change_set(
                StackName=stack,
                ChangeSetName=token,
                ChangeSetType="IMPORT",
                **self._argument(body),
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in sorted({**there.parameters, DIGEST: there.digest or WHILE_MOVING}.items())
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
                ResourcesToImport=[
                    {"ResourceType": item["type"], "LogicalResourceId": name, "ResourceIdentifier": item["identifier"]}
                    for name, item in importing.items()
                ],
            )
            self._change_set_ready(stack, token)
            # By the stack's name: what may be done to its change sets is said of stacks in a policy.
            self._cloudformation.execute_change_set(StackName=stack, ChangeSetName=token, ClientRequestToken=token)
        self._settled(self._calls.follow(there.stack_id, token, there.tags, _unheard), stack, "importing what moves")

    def _change_set_ready(self, stack: str, name: str) -> None:
        interval = self._pace.fastest
        while True:
            found = self._cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
            if found["Status"] == "CREATE_COMPLETE":
                return
            if found["Status"] == "FAILED":
                raise _failed("importing what moves", str(found.get("StatusReason", "no reason was given")))
            self._pace.sleep(interval)
            interval = min(interval * 1.5, self._pace.slowest)

    def _physical_ids(self, stack: str) -> dict[str, str]:
        with translated(f"reading the resources of {stack}"):
            pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            return {
                item["LogicalResourceId"]: item["PhysicalResourceId"]
                for page in pages
                for item in page["StackResourceSummaries"]
            }

    # Calls

    def _update(self, stack: str, template: Template, why: str) -> None:
        there = self._calls.describe(stack)
        if there.busy:
            there = self._calls.wait(there) or there
        request = self._request(stack, template, there.parameters, there.tags)
        settled = self._calls.update(there, request, _unheard)
        if settled is not None:
            self._settled(settled, stack, why)

    def _request(
        self, stack: str, template: Template, parameters: Mapping[str, str], tags: Mapping[str, str]
    ) -> Request:
        body = _bytes(template)
        digest = hashlib.sha256(body).hexdigest()
        return Request(
            stack_name=stack,
            template=body,
            template_digest=digest,
            parameters=parameters,
            tags=tags,
            # CloudFormation takes no update that changes nothing but a template's metadata or a DeletionPolicy.
            digest=f"{WHILE_MOVING}{digest[:32]}",
            token=self._token(stack),
        )

    def _argument(self, template: Template) -> dict[str, str]:
        body = _bytes(template)
        return self._calls.template_argument(body, hashlib.sha256(body).hexdigest())

    def _settled(self, settled: Any, stack: str, why: str) -> None:
        if settled.failure is not None:
            raise _failed(f"{why} ({stack})", settled.failure.reason)

    def _token(self, stack: str) -> str:
        self._serial += 1
        return f"klotho-{self._run_id}-{hashlib.sha256(stack.encode()).hexdigest()[:24]}-move{self._serial}"


def _without(source: Template, move: Move, known: Mapping[Reference, str]) -> dict[str, Any]:
    """The source's template once the resources are gone: what stays knows them by their values only."""
    moved = {item: value for item, value in known.items() if item.name in move.names}
    left = {name: item for name, item in source["Resources"].items() if name not in move.names}
    resources = {name: _independent(filled(item, moved, {}), set(move.names)) for name, item in left.items()}
    return {**source, "Resources": resources, "Outputs": filled(source.get("Outputs", {}), moved, {})}


def _with(target: Template, source: Template, move: Move, known: Mapping[Reference, str]) -> dict[str, Any]:
    """The target's template once the resources are there: they know everything else by its values."""
    inside = {item: value for item, value in known.items() if item.name not in move.names}
    staying = set(source["Resources"]) - set(move.names)
    arrived = {}
    for item in move.resources:
        resource = _independent(filled(source["Resources"][item.source], inside, move.names), staying)
        if "DependsOn" in resource:
            waits = resource["DependsOn"] if isinstance(resource["DependsOn"], list) else [resource["DependsOn"]]
            resource["DependsOn"] = [move.names[name] for name in waits]
        arrived[item.target] = resource
    return {**target, "Resources": {**target["Resources"], **arrived}}


def _independent(resource: Mapping[str, Any], of: set[str]) -> dict[str, Any]:
    """The resource without its waiting for resources that are in another stack now."""
    waits = resource.get("DependsOn", [])
    left = [name for name in ([waits] if isinstance(waits, str) else waits) if name not in of]
    rest = {key: item for key, item in resource.items() if key != "DependsOn"}
    return {**rest, "DependsOn": left} if left else rest


def _dropping(template: Template, names: set[str]) -> dict[str, Any]:
    """The template without the resources, and without the outputs that name them."""
    resources = {
        name: _independent(item, names) for name, item in template["Resources"].items() if name not in names
    } or {PLACEHOLDER: dict(STAND_IN)}
    outputs = {
        key: item
        for key, item in template.get("Outputs", {}).items()
        if not any(f'"{name}"' in json.dumps(item) for name in names)
    }
    return {**template, "Resources": resources, "Outputs": outputs}


def _can_be_imported(type_name: str) -> bool:
    """CloudFormation imports what it can read (User Guide, "Resource type support")."""
    return not is_custom(type_name) and is_known(type_name) and "read" in schema(type_name).document.get("handlers", {})


def _identifier(
    type_name: str, resource: Mapping[str, Any], known: Mapping[Reference, str], physical: str
) -> dict[str, str]:
    """What tells the resource from others of its type: properties of it, and its physical id where AWS makes it up."""
    keys = _identifier_keys(type_name)
    if len(keys) == 1:
        return {keys[0]: physical}
    properties = filled(resource.get("Properties", {}), known, {})
    return {key: str(properties.get(key, physical)) for key in keys}


def _identifying(template: Template, moving: Iterable[str]) -> set[Reference]:
    """References in what identifies the resources, to others that move as well: a client's user pool."""
    resources, found = template["Resources"], set()
    for name in moving:
        keys = _identifier_keys(resources[name]["Type"])
        if len(keys) > 1:
            properties = resources[name].get("Properties", {})
            found |= set(references_in([properties.get(key) for key in keys]))
    return {item for item in found if item.name in resources}


def _identifier_keys(type_name: str) -> list[str]:
    return [path[0] for path in schema(type_name).primary_identifier]


def _digest_sections() -> dict[str, Any]:
    return {
        "Parameters": {DIGEST: {"Type": "String"}},
        "Outputs": {DIGEST: {"Value": {"Ref": DIGEST}}},
    }


def _failed(doing: str, reason: str) -> Failure:
    remedy = DENIAL_HELP if denial(reason) is not None else "remove the reason"
    return Failure(
        "move-failed",
        f"moving resources between stacks failed while {doing}",
        notes=(reason, "the data are kept; nothing was replaced"),
        helps=(f"{remedy}; then run `klotho up` again: it goes on where it stopped",),
        exit_code=ExitCode.RESOURCE_FAILED,
    )


def _bytes(template: Template) -> bytes:
    return json.dumps(template, indent=1, sort_keys=True).encode()


def _unheard(logical_id: str, type_: str, status: str, reason: str) -> None:
    """Nobody watches the single resources of a move."""
