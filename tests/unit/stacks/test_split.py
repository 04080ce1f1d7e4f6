"""Stacks too large for CloudFormation are divided: every part fits, none waits for a later one, small changes move
little."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.application import Application, Construct
from klotho.emit import Bundle
from klotho.resources import Ref, Resource, ResourceGraph, ResourceKey
from klotho.stacks.segment import Segmentation, segment
from klotho.stacks.split import Limits, Splitter
from tests.unit.engine.conftest import Builder

SMALL = Limits(resources=20, parameters=16, outputs=16, size=60_000)
TABLE = "AWS::DynamoDB::Table"


def graph_of(needs: Mapping[str, tuple[str, ...]], types: Mapping[str, str] | None = None) -> ResourceGraph:
    """Resources by `<construct>:<role>`, each with a reference to those it needs."""
    made = {
        ResourceKey(name): Resource(
            ResourceKey(name),
            (types or {}).get(name, "AWS::Logs::LogGroup"),
            {"Named": [Ref(ResourceKey(other)) for other in others]},
        )
        for name, others in sorted(needs.items())
    }
    return ResourceGraph(made)


def application_of(graph: ResourceGraph, stack: str | None = "all") -> Application:
    owners = sorted({key.partition(":")[0] for key in graph.resources} - {"shared", "application"})
    constructs = tuple(Construct("Compute.Function", owner.partition("/")[2], stack=stack) for owner in owners)
    return Application("shop", "acme", constructs=constructs)


def holds_data(resource: Resource) -> bool:
    return resource.type == TABLE


def cut(graph: ResourceGraph, limits: Limits = SMALL, stack: str | None = "all") -> Segmentation:
    return segment(graph, application_of(graph, stack), holds_data=holds_data, limits=limits)


def random_needs(seed: int, owners: int, roles: int = 3, links: int = 2) -> dict[str, tuple[str, ...]]:
    """Constructs of a few resources each, which need some of those before them."""
    chance = random.Random(seed)
    names = [f"Compute.Function/f{number:03}:r{role}" for number in range(owners) for role in range(roles)]
    chance.shuffle(names)
    return {
        name: tuple(sorted(chance.sample(names[:index], min(index, chance.randint(0, links)))))
        for index, name in enumerate(names)
    }


@st.composite
def graphs(draw: st.DrawFn) -> ResourceGraph:
    seed, owners = draw(st.integers(0, 10_000)), draw(st.integers(1, 60))
    needs = random_needs(seed, owners, draw(st.integers(1, 4)), draw(st.integers(0, 3)))
    data = draw(st.sets(st.sampled_from(sorted(needs)), max_size=3))
    return graph_of(needs, dict.fromkeys(data, TABLE))


@settings(max_examples=60)
@given(graphs())
def test_every_part_fits_and_waits_for_none_that_waits_for_it(graph: ResourceGraph) -> None:
    found = cut(graph)
    members: dict[str, list[ResourceKey]] = {}
    for key, stack in found.stack_of.items():
        members.setdefault(stack, []).append(key)
    assert set(found.stack_of) == set(graph.resources)
    position = {name: index for index, name in enumerate(found.order)}  # a circle has no order
    for resource in graph:
        for other in graph.dependencies(resource):
            assert position[found.stack_of[other]] <= position[found.stack_of[resource.key]]
    splitter = Splitter(graph, limits=SMALL)
    for keys in members.values():
        assert splitter.fits(sorted(keys)) or len(keys) == 1 or _needs_itself(graph, keys)


def _needs_itself(graph: ResourceGraph, keys: list[ResourceKey]) -> bool:
    """Whether a part can't be divided, because its constructs need each other in a circle."""
    inside = set(keys)
    return all(graph.dependencies(graph[key]) & inside for key in keys)


@settings(max_examples=20)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(graph: ResourceGraph, chance: random.Random) -> None:
    keys = list(graph.resources)
    chance.shuffle(keys)
    assert cut(graph).stack_of == cut(ResourceGraph({key: graph[key] for key in keys})).stack_of


def test_one_resource_more_or_less_moves_few_others() -> None:
    moved, total = 0, 0
    for seed in range(30):
        needs = random_needs(seed, 60, 2, 1)
        before = cut(graph_of(needs)).stack_of
        more = {**needs, f"Compute.Function/g{seed:03}:r0": (sorted(needs)[seed],)}
        after = cut(graph_of(more)).stack_of
        moved += sum(before[key] != after[key] for key in before)
        total += len(before)
    assert moved / total < 0.15


def test_what_holds_data_stays_in_the_stack_of_its_name_whatever_comes_and_goes() -> None:
    for seed in range(20):
        for owners in (5, 20, 60):
            needs = random_needs(seed, owners, 2, 1)
            needs["Compute.Function/data:table"] = ()
            found = cut(graph_of(needs, {"Compute.Function/data:table": TABLE}))
            assert found.stack_of[ResourceKey("Compute.Function/data:table")] == "all"


def test_a_stack_that_fits_is_one_and_the_quotas_are_the_published_ones() -> None:
    needs = random_needs(1, 100, 5, 1)
    assert len(needs) == 500
    assert set(cut(graph_of(needs), Limits()).stack_of.values()) == {"all"}
    needs["Compute.Function/more:r0"] = ()
    parts = cut(graph_of(needs), Limits()).stack_of
    assert len(set(parts.values())) == 2
    assert "all" in parts.values()


def test_what_no_construct_owns_is_divided_too() -> None:
    needs = {f"application:r{number:03}": (f"application:r{number - 1:03}",) if number else () for number in range(50)}
    found = cut(graph_of(needs))
    assert len(found.order) >= 3
    assert found.order[0] == "shared"


def test_constructs_stay_whole_where_they_fit() -> None:
    for seed in range(10):
        needs = {
            name: tuple(other for other in others if other.partition(":")[0] == name.partition(":")[0])
            for name, others in random_needs(seed, 40).items()
        }
        stack_of = cut(graph_of(needs)).stack_of
        for owner in {key.partition(":")[0] for key in stack_of}:
            assert len({stack for key, stack in stack_of.items() if key.startswith(f"{owner}:")}) == 1


def test_an_application_in_one_stack_of_its_own_is_divided_with_its_values(tmp_path: Path) -> None:
    """Through the emitter: parameters and outputs carry what crosses a cut."""
    app = Builder(tmp_path)
    for number in range(60):
        app.add("function", f"f{number:02}")
    app.add("keyvalue", "carts")
    for number in range(60):
        app.says(f"f{number:02}", "reads_from", "carts")
    app.constructs = [
        item.__class__(item.kind, item.name, item.properties, item.span, stack="all") for item in app.constructs
    ]
    bundle = app.bundle()
    assert len(bundle.manifest.stacks) == 1
    for number in range(60, 130):
        app.add("function", f"f{number:03}").says(f"f{number:03}", "reads_from", "carts")
    app.constructs = [
        item.__class__(item.kind, item.name, item.properties, item.span, stack="all") for item in app.constructs
    ]
    bundle = app.bundle()
    names = [stack.name for stack in bundle.manifest.stacks]
    assert len(names) >= 2
    for name in names:
        template = _template(bundle, name)
        assert len(template["Resources"]) <= 500
        assert len(template["Parameters"]) <= 200
        assert len(template["Outputs"]) <= 200
    assert any("Carts" in logical_id for logical_id in _template(bundle, "all")["Resources"])


def _template(bundle: Bundle, name: str) -> dict[str, Any]:
    return dict(json.loads(bundle.files[f"cloudformation/{name}.template.json"]))
