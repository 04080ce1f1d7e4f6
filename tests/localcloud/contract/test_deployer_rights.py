"""Every type is made, changed and deleted under exactly the policy that `klotho permissions` prints, and not with less.

What an operation uses (`handlers.toml`) is written from the services' APIs, the policy comes from AWS's schemas: two
sources that know nothing of each other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from klotho.catalogue.facts import CUSTOM_RESOURCE, schema
from klotho.catalogue.tables import table
from klotho.localcloud.handlers import handler_classes
from klotho.localcloud.permissions.handler_calls import entries

from .bench import STACK, bench
from .deployer import Deployer, printed
from .sample import Sample
from .samples import SAMPLES
from .test_contract import each_type, mutable

pytestmark = pytest.mark.localcloud
_UNNAMED_BY_SCHEMAS = {"route53:DeleteHostedZone"}
"""Used, though the schemas do not say so; `deployer.toml` says where that comes from."""


def test_what_operations_call_is_said_of_every_type() -> None:
    assert set(entries()) == {item.type_name for item in handler_classes()}


@pytest.mark.parametrize("type_name", sorted(set(entries()) - {CUSTOM_RESOURCE}))
def test_what_operations_call_is_something_the_schemas_or_the_table_name(type_name: str) -> None:
    entry, published = entries()[type_name], schema(type_name)
    named = {
        action.lower()
        for operation in ("create", "read", "update", "delete")
        for action in published.permissions(operation)
    }
    named |= {action.lower() for action in published.document.get("tagging", {}).get("permissions", ())}
    named |= {action.lower() for action in table("deployer")["types"][type_name].get("actions", ())}
    lines = [line for key in ("create", "read", "update", "delete", "tag", "untag") for line in entry.get(key, ())]
    assert {line.split()[0].lower() for line in lines} <= named


@each_type
def test_the_printed_policy_is_enough_and_each_action_used_is_missed_by_its_name(
    sample: Sample, tmp_path: Path
) -> None:
    asyncio.run(_story(sample, tmp_path))


def test_so_it_is_for_a_function_from_an_image(tmp_path: Path) -> None:
    function = SAMPLES["AWS::Lambda::Function"]
    image = replace(function, base=function.properties("PackageType"), changes={"Timeout": 10}, together={})
    used = asyncio.run(_story(image, tmp_path))
    assert {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} <= set(used)


async def _story(sample: Sample, folder: Path) -> list[str]:
    """Gives what creating used."""
    async with bench(sample, folder) as at:
        changes = _changes(sample)
        bodies = [at.body(), *(at.body(name) for name in changes)]
        deployer = Deployer(at, printed(bodies, at.engine.cloud.region))
        with deployer.working():
            used = await _with_all_of_it(deployer, changes)
            assert used["create"], "nothing was asked about"
            creating = used.pop("create")
            await _without_what_creating_uses(deployer, creating)
            deleting = used.pop("delete")
            await _without_what_updates_use(deployer, used)
            await _without_what_deleting_uses(deployer, deleting)
    return creating


async def _with_all_of_it(deployer: Deployer, changes: list[str]) -> dict[str, list[str]]:
    """Make, change and delete; gives the actions each of these was the first to use."""
    at, found = deployer.at, {}
    assert await at.create() == "CREATE_COMPLETE", deployer.denied() or at.reason()
    found["create"] = deployer.newly_used()
    for name in changes:
        assert await at.update(name) == "UPDATE_COMPLETE", (name, deployer.denied() or at.reason())
        found[name] = deployer.newly_used()
    assert await at.delete() == "DELETE_COMPLETE", deployer.denied() or at.reason()
    found["delete"] = deployer.newly_used()
    return found


async def _without_what_creating_uses(deployer: Deployer, actions: list[str]) -> None:
    at = deployer.at
    for action in actions:
        since = deployer.without(action)
        assert (await at.create()).startswith("ROLLBACK_"), action
        assert deployer.denied(since) == {action}
        deployer.with_all()
        assert await at.delete() == "DELETE_COMPLETE", at.reason()


async def _without_what_updates_use(deployer: Deployer, used: dict[str, list[str]]) -> None:
    """Each from the state that the change before it left."""
    at = deployer.at
    assert await at.create() == "CREATE_COMPLETE", at.reason()
    for name, actions in used.items():
        for action in actions:
            since = deployer.without(action)
            ended = await at.update(name)
            assert ended in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"), (name, action)
            assert deployer.denied(since) == {action}
            deployer.with_all()
            if ended == "UPDATE_ROLLBACK_FAILED":
                at.engine.continue_rollback(STACK, None)
                assert await at.status() == "UPDATE_ROLLBACK_COMPLETE", at.reason()
        assert await at.update(name) == "UPDATE_COMPLETE", at.reason()


async def _without_what_deleting_uses(deployer: Deployer, actions: list[str]) -> None:
    """Expects the resource to be there."""
    at = deployer.at
    for action in actions:
        since = deployer.without(action)
        assert await at.delete() == "DELETE_FAILED", action
        assert deployer.denied(since) == {action}
        deployer.with_all()
    assert await at.delete() == "DELETE_COMPLETE", at.reason()


def _changes(sample: Sample) -> list[str]:
    """Changes of single properties; one is enough of what starts processes."""
    wanted = [name for name in mutable(sample) if sample.properties(name) != sample.properties()]
    distinct = [name for index, name in enumerate(wanted) if _differs(sample, wanted[:index], name)]
    return distinct[:1] if sample.slow else distinct


def _differs(sample: Sample, before: list[str], name: str) -> bool:
    """Whether it is not the change before: two properties may only change together."""
    return not before or sample.properties(name) != sample.properties(before[-1])
