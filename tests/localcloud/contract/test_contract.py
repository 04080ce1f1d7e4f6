"""The contract every handler keeps, written once and run for every type in the registry."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from klotho.catalogue.facts import schema
from klotho.localcloud.cloudformation.capabilities import ShowsLive
from klotho.localcloud.cloudformation.carried import ANY
from klotho.localcloud.cloudformation.drift import differences
from klotho.localcloud.handlers import handler_classes
from klotho.localcloud.service import ApiError

from .bench import SUBJECT, Bench, Crash, bench, recorded
from .sample import Sample
from .samples import SAMPLES

pytestmark = pytest.mark.localcloud
CLASSES = {item.type_name: item for item in handler_classes()}
each_type = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def create_only(sample: Sample) -> list[str]:
    """Properties of the sample whose second value replaces the resource."""
    replacing = {path[0] for path in schema(sample.type_name).create_only} | sample.replaces
    return [name for name in sample.changes if {name, *sample.together.get(name, {})} & replacing]


def mutable(sample: Sample) -> list[str]:
    return [name for name in sample.changes if name not in create_only(sample)]


def assert_recorded(at: Bench, *changed: str) -> None:
    """The record says what the template says, property by property."""
    identifiers = {record.logical_id: record.identifier for record in at.world.all()}
    wanted = recorded(at.sample.properties(*changed), identifiers)
    found = at.live().properties
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        if not _calls_function(value):
            assert found[name] == value, name
    handler = at.engine.handlers[at.sample.type_name]
    if isinstance(handler, ShowsLive):
        live = handler.live(at.live())
        assert live is not None
        assert list(differences(found, live)) == [], "it has drifted, though nobody but CloudFormation changed it"


def _calls_function(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key.startswith("Fn::") or _calls_function(item) for key, item in value.items())
    return isinstance(value, list) and any(_calls_function(item) for item in value)


def test_every_registered_type_has_a_sample() -> None:
    assert set(SAMPLES) == set(CLASSES)


@each_type
def test_the_sample_covers_every_property_carried(sample: Sample) -> None:
    carried = {name.split(".")[0] for name in CLASSES[sample.type_name].carries}
    covered = set(sample.changes) | set(sample.refused)
    assert covered > carried - {ANY} if ANY in carried else covered == carried
    for name, value in sample.changes.items():
        assert sample.base.get(name) != value, f"the second value of {name} is the first one"


@each_type
def test_only_properties_of_the_published_schema_are_carried(sample: Sample) -> None:
    carried = {name.split(".")[0] for name in CLASSES[sample.type_name].carries}
    assert carried - {ANY} <= schema(sample.type_name).settable


@each_type
def test_it_is_created_changed_property_by_property_and_deleted(sample: Sample, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench(sample, tmp_path) as at:
            assert await at.create() == "CREATE_COMPLETE", at.reason()
            assert_recorded(at)
            before = at.live().identifier
            former = sample.properties()
            for name in mutable(sample):
                # Two properties that only change together make the same template.
                if sample.properties(name) == former:
                    continue
                former = sample.properties(name)
                assert await at.update(name) == "UPDATE_COMPLETE", (name, at.reason())
                assert at.live().identifier == before, f"{name} replaced the resource"
                assert_recorded(at, name)
            if mutable(sample):
                assert await at.update() == "UPDATE_COMPLETE"
                assert_recorded(at)
            assert await at.delete() == "DELETE_COMPLETE", at.reason()
            assert list(at.world.all()) == []

    asyncio.run(story())


@each_type
def test_every_create_only_property_replaces_it(sample: Sample, tmp_path: Path) -> None:
    """One after the other, each on top of the ones before; the name last, for a named resource can't be replaced."""
    identifier = schema(sample.type_name).primary_identifier
    names = sorted(create_only(sample), key=lambda name: ((name,) in identifier, name.endswith("Name")))

    async def story() -> None:
        async with bench(sample, tmp_path) as at:
            assert await at.create() == "CREATE_COMPLETE", at.reason()
            for count, name in enumerate(names, 1):
                before = at.live()
                changed = names[:count]
                assert await at.update(*changed) == "UPDATE_COMPLETE", (name, at.reason())
                assert at.live().identifier != before.identifier, f"{name} did not replace the resource"
                assert at.world.get(sample.type_name, before.identifier) is None
                assert_recorded(at, *changed)
            assert await at.delete() == "DELETE_COMPLETE", at.reason()
            assert list(at.world.all()) == []

    asyncio.run(story())


@each_type
def test_attributes_are_of_the_schema_and_stay_over_an_update(sample: Sample, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench(sample, tmp_path) as at:
            await at.create()
            before = at.live().attributes
            for name in mutable(sample)[:1]:
                assert await at.update(name) == "UPDATE_COMPLETE"
                assert set(at.live().attributes) == set(before)
            facts = schema(sample.type_name)
            assert facts.open or set(before) <= facts.attributes | facts.settable

    asyncio.run(story())


@each_type
def test_a_failed_create_is_rolled_back(sample: Sample, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench(sample, tmp_path / "itself") as at:
            at.failing.add("create")
            assert await at.create() == "ROLLBACK_COMPLETE"
            assert "create was told to fail" in at.reason()
            assert list(at.world.all()) == []
        async with bench(sample, tmp_path / "another") as at:
            assert await at.create(broken=True) == "ROLLBACK_COMPLETE"
            assert list(at.world.all()) == []
            assert await at.delete() == "DELETE_COMPLETE"

    asyncio.run(story())


@each_type
def test_a_failed_update_is_rolled_back(sample: Sample, tmp_path: Path) -> None:
    async def story() -> None:
        for name in [*mutable(sample)[:1], *create_only(sample)[:1]]:
            async with bench(sample, tmp_path / f"itself-{name}") as at:
                await at.create()
                before, read = list(at.world.all()), at.read()
                at.failing.add("create" if name in create_only(sample) else "update")
                status = await at.update(name)
                if name in create_only(sample):
                    assert status == "UPDATE_ROLLBACK_COMPLETE"
                    assert (list(at.world.all()), at.read()) == (before, read)
                else:
                    # The update back fails as well, as it would on AWS.
                    assert status == "UPDATE_ROLLBACK_FAILED"
                at.failing.clear()
                assert await at.delete() == "DELETE_COMPLETE"
            async with bench(sample, tmp_path / f"another-{name}") as at:
                await at.create()
                before, read = list(at.world.all()), at.read()
                assert await at.update(name, broken=True) == "UPDATE_ROLLBACK_COMPLETE"
                assert (list(at.world.all()), at.read()) == (before, read)

    asyncio.run(story())


@each_type
def test_a_failed_delete_is_named_and_can_be_tried_again(sample: Sample, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench(sample, tmp_path) as at:
            await at.create()
            at.failing.add("delete")
            assert await at.delete() == "DELETE_FAILED"
            assert at.engine.store.stacks()[0].reason == f"The following resource(s) failed to delete: [{SUBJECT}]. "
            assert at.subject() is not None
            at.failing.clear()
            assert await at.delete() == "DELETE_COMPLETE"
            assert list(at.world.all()) == []

    asyncio.run(story())


REFUSING = [(sample, name) for sample in SAMPLES.values() for name in sample.refused]


@pytest.mark.parametrize(("sample", "name"), REFUSING, ids=[f"{sample.type_name}-{name}" for sample, name in REFUSING])
def test_a_value_that_is_not_carried_is_refused_by_name(sample: Sample, name: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench(sample, tmp_path) as at:
            document = json.loads(at.body())
            document["Resources"][SUBJECT]["Properties"][name] = sample.refused[name]
            at.engine.create_stack(at.request(json.dumps(document)))
            assert await at.status() == "ROLLBACK_COMPLETE"
            assert name in at.reason()
            assert list(at.world.all()) == []

    asyncio.run(story())


def uncarried(sample: Sample) -> list[str]:
    carried = {name.split(".")[0] for name in CLASSES[sample.type_name].carries}
    return sorted(schema(sample.type_name).settable - carried)


SELECTIVE = {name: sample for name, sample in SAMPLES.items() if uncarried(sample)}


@pytest.mark.parametrize("sample", SELECTIVE.values(), ids=SELECTIVE)
def test_a_property_that_is_not_carried_is_refused_by_name(sample: Sample, tmp_path: Path) -> None:
    async def story() -> None:
        async with bench(sample, tmp_path) as at:
            for name in uncarried(sample):
                document = json.loads(at.body())
                document["Resources"][SUBJECT]["Properties"][name] = {"Ref": "Always"}
                refusal = rf"Property {name} of \[{SUBJECT}\] \({sample.type_name}\) is not supported"
                with pytest.raises(ApiError, match=refusal):
                    at.engine.create_stack(at.request(json.dumps(document)))
            assert at.engine.store.stacks() == []

    asyncio.run(story())


def points(sample: Sample, folder: Path) -> list[str]:
    """Every point of the sample's life at which a crash could strike."""
    seen: list[str] = []

    async def story() -> None:
        async with bench(sample, folder, seen.append) as at:
            await life(at)

    asyncio.run(story())
    return seen


async def life(at: Bench) -> None:
    """Create, update with a change in place and a replacement, update that fails, delete: what is left to do of it."""
    store = at.engine.store
    while True:
        await at.engine.settle()
        stacks = store.stacks()
        done = len(store.operations(stacks[0].stack_id)) if stacks else 0
        if done == 0:
            await at.create()
        elif done == 1:
            await at.update(*mutable(at.sample)[:1], *create_only(at.sample)[:1])
        elif done == 2:
            assert await at.update(broken=True) == "UPDATE_ROLLBACK_COMPLETE"
        elif done == 3:
            await at.delete()
        else:
            return


# Between what the handler did and its being journaled is where a retry could do the work twice.
HANDLED = [f"handled {phase}/{SUBJECT}" for phase in ("forward", "restore", "cleanup", "delete", "discard")]


def strikes(sample: Sample, point: str, count: int, number: int) -> bool:
    """Whether to crash here: everywhere in small stacks, in big ones at what is not about companions only. Where not
    all tests run, at every second point and at those where work could be done twice."""
    if sample.slow or (number % 2 and os.environ.get("KLOTHO_TESTS") != "all"):
        return point in HANDLED
    return count <= 50 or point.startswith("stack ") or point.endswith((f"/{SUBJECT}", "/Broken"))


@each_type
def test_it_survives_a_crash_at_any_step(sample: Sample, tmp_path: Path) -> None:
    """Abandon the engine at each journal point, restart on the same data, and compare with the undisturbed run."""
    undisturbed: dict[int, Any] = {}

    async def reference() -> None:
        async with bench(sample, tmp_path / "reference") as at:
            await at.create()
            undisturbed[1] = at.picture()
            await at.update(*mutable(sample)[:1], *create_only(sample)[:1])
            undisturbed[2] = at.picture()
            await at.update(broken=True)
            undisturbed[3] = at.picture()
            await at.delete()
            undisturbed[4] = at.picture()

    async def crashed(folder: Path, at_point: int) -> None:
        count = 0

        def strike(name: str) -> None:
            nonlocal count
            count += 1
            if count == at_point:
                raise Crash(name)

        with pytest.raises(Crash):
            async with bench(sample, folder, strike) as at:
                await life(at)
        async with bench(sample, folder) as at:
            await at.engine.recover()
            await at.engine.settle()
            stacks = at.engine.store.stacks()
            done = len(at.engine.store.operations(stacks[0].stack_id)) if stacks else 0
            if done:
                assert at.picture() == undisturbed[done], f"crash at point {at_point}"

    asyncio.run(reference())
    seen = points(sample, tmp_path / "points")
    assert len(seen) > 20
    own = [number for number, name in enumerate(seen, 1) if strikes(sample, name, len(seen), number)]
    assert len(own) >= 4
    for number in own:
        asyncio.run(crashed(tmp_path / f"crash-{number}", number))
