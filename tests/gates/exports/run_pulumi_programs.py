"""Runs Pulumi programs in Python under the real SDK, with mocks in place of the engine.

Input (stdin): JSON, a list of exports; each has programs in order: `folder`, `project`, `config`; and `attributes`, for
each type token what AWS decides, by path (`endpoint.address`).
Output (stdout): JSON, for each export what was registered: type token, name, inputs, options; and the stacks' outputs.
It belongs to `.venv-exports`, which has no Klotho.

A mock answers with the inputs, and for what AWS decides with `<name>.<path>`. Every key of an input is looked up in the
SDK's own types: what AWS would never see is an error here.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pulumi
from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type
from pulumi.runtime import mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_pulumi_func

FACTS = {
    "aws-native:index:getAccountId": {"accountId": "<AccountId>"},
    "aws-native:index:getPartition": {"partition": "<Partition>"},
    "aws-native:index:getRegion": {"region": "<Region>"},
    "aws-native:index:getUrlSuffix": {"urlSuffix": "<URLSuffix>"},
    "aws-native:index:getAzs": {"azs": [f"<zone {number}>" for number in range(6)]},
}


SECRET = "aws:secretsmanager/getSecretVersion:getSecretVersion"
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key a secret has on the wire beside its `value`. Source: pulumi/pulumi, sdk/go/common/resource/sig/sig.go."""


class Engine(pulumi.runtime.Mocks):
    def __init__(self, attributes: Mapping[str, list[str]]) -> None:
        self.attributes = attributes
        self.outputs: dict[str, dict[str, Any]] = {}
        self.registered: list[dict[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            project = args.name.split("/")[1]
            return args.name, {"name": args.name, "outputs": self.outputs[project]}
        inputs = {name: value["value"] if _is_secret(value) else value for name, value in args.inputs.items()}
        self.registered.append(
            {
                "token": args.typ,
                "name": args.name,
                "inputs": inputs,
                "secret": sorted(name for name, value in args.inputs.items() if _is_secret(value)),
            }
        )
        state = dict(inputs)
        for path in self.attributes.get(args.typ, ()):
            _put(state, path.split("."), f"{args.name}.{path}")
        if args.typ == "aws:lambda/invocation:Invocation":
            state["result"] = json.dumps({"User": f"{args.name}.User"})
        return f"{args.name}.id", state

    def said(self, request: Any) -> None:
        """Add the options of a registration."""
        for item in self.registered:
            if item["name"] == request.name and item["token"] == request.type:
                item["protect"] = request.protect
                item["kept"] = request.retainOnDelete
                item["depends_on"] = sorted(urn.rpartition("::")[2] for urn in request.dependencies)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        if args.token == SECRET:
            entry = "{{resolve:secretsmanager:" + args.args["secretId"] + ":SecretString:password}}"
            return {"secretString": json.dumps({"password": entry})}
        return FACTS[args.token]


class Monitor(mocks.MockMonitor):
    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)
        self.mocks.said(request)
        return answer


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE in value


def _put(state: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        state = state.setdefault(name, {})
        if not isinstance(state, dict):
            return
    state.setdefault(path[-1], value)


def run_export(export: Mapping[str, Any]) -> dict[str, Any]:
    engine = Engine(export["attributes"])
    for program in export["programs"]:
        engine.outputs[program["project"]] = asyncio.run(_run(engine, program))
    for item in engine.registered:
        item["unknown"] = list(_unknown(item["token"], item["inputs"]))
    return {"registered": engine.registered, "outputs": engine.outputs}


async def _run(engine: Engine, program: Mapping[str, Any]) -> dict[str, Any]:
    folder = Path(program["folder"])
    os.environ["PULUMI_CONFIG"] = json.dumps(program["config"])
    pulumi.runtime.set_all_config(program["config"])
    set_root_resource(None)
    monitor = Monitor(engine)
    mocks.set_mocks(engine, program["project"], "gates", False, monitor=monitor, organization="organization")
    for name in [name for name in sys.modules if name == "stacks" or name.startswith("stacks.")]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    found: dict[str, Any] = {}

    async def run() -> None:
        scope = runpy.run_path(str(folder / "__main__.py"))
        for name, value in scope.get("outputs", {}).items():
            found[name] = await pulumi.Output.from_input(value).future()

    try:
        await run_pulumi_func(run)
    finally:
        sys.path.remove(str(folder))
    return found


def _unknown(token: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    package, module, name = token.split(":")
    module = module.partition("/")[0]
    library = __import__(f"pulumi_{package.replace('-', '_')}", fromlist=["x"])
    types = getattr(library, {"lambda": "lambda_"}.get(module, module))
    arguments = getattr(types, f"{name}Args", None)
    if arguments is None or not is_input_type(arguments) or _taken(types, name):
        arguments = getattr(types, f"{name}InitArgs", arguments)
    yield from _unknown_in(arguments, inputs, token)


def _taken(types: Any, name: str) -> bool:
    """Whether a nested type has the name the resource's arguments would have."""
    return hasattr(types, f"{name}InitArgs")


def _unknown_in(kind: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        candidates = [item for item in _flat(kind) if isinstance(item, type) and is_input_type(item)]
        if not candidates:
            for values in _mapped(kind):
                for name, item in value.items():
                    yield from _unknown_in(values, item, f"{path}.{name}")
            return
        names = {}
        for candidate in candidates:
            types = input_type_types(candidate)
            for python, pulumi_name in input_type_py_to_pulumi_names(candidate).items():
                names[pulumi_name] = types.get(python)
        for name, item in value.items():
            if name not in names:
                yield f"{path}.{name}"
            else:
                yield from _unknown_in(names[name], item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            for one in _listed(kind):
                yield from _unknown_in(one, item, f"{path}[]")
                break


def _flat(kind: Any) -> Iterator[Any]:
    origin = get_origin(kind)
    if origin is None:
        yield kind
    elif "Union" in str(origin) or "Output" in str(origin) or "Awaitable" in str(origin):
        for item in get_args(kind):
            yield from _flat(item)
    else:
        yield kind


def _listed(kind: Any) -> Iterator[Any]:
    for item in _flat(kind):
        if "Sequence" in str(get_origin(item)) or get_origin(item) is list:
            yield get_args(item)[0]


def _mapped(kind: Any) -> Iterator[Any]:
    for item in _flat(kind):
        if "Mapping" in str(get_origin(item)) or get_origin(item) is dict:
            yield get_args(item)[1]
            return


if __name__ == "__main__":
    json.dump([run_export(export) for export in json.load(sys.stdin)], sys.stdout)
