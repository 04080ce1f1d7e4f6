"""What a preview says is what `up` does: random programs and edits, through the real deployer and the real engine.

The engine runs in this process with handlers that only record, so that an example takes about a second. Compared
are action and replacement of every resource, with the events of the stacks.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from klotho.catalogue.facts import known_types, schema
from klotho.deploy.assets import AssetStep, BuiltAsset
from klotho.deploy.events import Event, ResourceChanged
from klotho.deploy.orchestrator import Orchestrator
from klotho.deploy.place import Clients, Pace, Place
from klotho.deploy.preview import Preview, preview
from klotho.deploy.stacks import DeployedStack, StackCalls
from klotho.localcloud.cloudformation.carried import ANY
from klotho.localcloud.cloudformation.forward import REPLACING
from klotho.localcloud.handlers.generic import Made, Passive, handler_class
from klotho.localcloud.handlers.passive import PASSIVE
from klotho.localcloud.identity import ACCOUNT, digest
from klotho.stacks import AssetSource
from tests.unit.deploy.imagined import Imagined, imagined

from .builders import REGION, ServedCloud

pytestmark = pytest.mark.localcloud

QUICK = Pace(time.monotonic, time.sleep, fastest=0.005, slowest=0.02)
RELATIONS = ("", "reads_from", "writes_to", "read_writes_to")


@dataclass(frozen=True)
class Program:
    """What may be said; two of them are before and after."""

    code: str
    memory: int
    setting: str
    keys: Mapping[str, str]
    """Of tables; those that are missing are not there."""
    uses: Mapping[tuple[str, str], str]
    """Function and table or database: the verb."""
    functions: frozenset[str]
    routes: frozenset[tuple[str, str]]
    queue: bool
    database: bool
    container: bool

    def text(self, application: str) -> str:
        lines = ["import klotho", "from klotho import API, Compute, Databases, Messaging", ""]
        lines.append(f'klotho.Application("{application}")')
        lines += [f'{name} = Databases.KeyValue(name="{name}", key="{key}")' for name, key in sorted(self.keys.items())]
        lines += ['db = Databases.Postgres(name="db")'] if self.database else []
        lines += ['jobs = Messaging.Queue(name="jobs")'] if self.queue else []
        lines += [
            f'{name} = Compute.Function(name="{name}", handler="work.handler", memory={self.memory}, '
            f'environment={{"MODE": "{self.setting}"}})'
            for name in sorted(self.functions)
        ]
        lines += ['svc = Compute.Container(name="svc", image="nginx")'] if self.container else []
        there = {*self.keys, *(["db"] if self.database else [])}
        lines += [
            f"{one}.{verb}({other})"
            for (one, other), verb in sorted(self.uses.items())
            if verb and other in there and (one in self.functions or (one == "svc" and self.container))
        ]
        lines += [f"{name}.sends_to(jobs)" for name in sorted(self.functions) if self.queue]
        lines += ['api = API(name="front")']
        lines += [
            f'api.attach_service({name}, route="/{route}")'
            for name, route in sorted(self.routes)
            if name in self.functions
        ]
        return "\n".join(lines) + "\n"


FUNCTIONS = st.sampled_from(["one", "two"])
PROGRAMS = st.builds(
    Program,
    code=st.sampled_from(["aaaa", "bbbb"]),
    memory=st.sampled_from([256, 512]),
    setting=st.sampled_from(["x", "y"]),
    keys=st.dictionaries(st.sampled_from(["carts", "users"]), st.sampled_from(["id", "sku"])),
    uses=st.dictionaries(
        st.tuples(st.sampled_from(["one", "two", "svc"]), st.sampled_from(["carts", "users", "db"])),
        st.sampled_from(RELATIONS),
    ),
    functions=st.frozensets(FUNCTIONS, min_size=1),
    routes=st.frozensets(st.tuples(FUNCTIONS, st.sampled_from(["a", "b"])), max_size=2),
    queue=st.booleans(),
    database=st.booleans(),
    container=st.booleans(),
).filter(lambda item: len({route for _, route in item.routes}) == len(item.routes))


class Assets:
    """Zips that are only names."""

    def __init__(self, program: Imagined) -> None:
        self._program = program

    def future(self, construct: str) -> Future[BuiltAsset]:
        done: Future[BuiltAsset] = Future()
        done.set_result(BuiltAsset())
        return done

    def value(self, source: AssetSource, bucket: str) -> str:
        return self._program.value(source, bucket)

    def upload(self, constructs: Iterable[str], clients: Clients) -> None:
        """Nothing reads them."""


def recording(cloud: ServedCloud) -> dict[str, Any]:
    """A handler that only records for each type; those of passive types are the local cloud's."""
    known = {passive.type_name: passive for passive in PASSIVE}

    def attribute(name: str) -> Any:
        return lambda made: f"{name}-{digest(made.token, 12)}"

    def identify(made: Made) -> str:
        return f"{made.request.logical_id}-{digest(made.token, 12)}"

    for name in known_types():
        attributes = {text: attribute(text) for text in schema(name).attributes}
        known.setdefault(name, Passive(name, identify, frozenset({ANY}), attributes))
    return {name: handler_class(passive)(cloud.cloud) for name, passive in known.items()}


class World:
    """One cloud, in which every example is an application of its own."""

    def __init__(self, served: ServedCloud) -> None:
        self._clients = Clients(Place(REGION, ACCOUNT, f"http://127.0.0.1:{served.port}", "key", "secret"))
        self._calls = StackCalls(self._clients, QUICK)
        self._runs = 0
        self._names: set[str] = set()
        self.examples = 0

    def deployed(self, program: Imagined) -> dict[str, DeployedStack]:
        name = program.built.application.name
        return self._calls.deployed(project="default", environment="local", application=name)

    def preview(self, program: Imagined) -> Preview:
        built = program.built
        assets = cast(AssetStep, Assets(program))
        return preview(
            built.manifest,
            built.templates,
            self.deployed(program),
            assets,
            self._calls,
            self._clients.place.artifact_bucket,
        )

    def up(self, program: Imagined) -> dict[tuple[str, str], str]:
        """What became of each resource that was touched, by stack and logical id."""
        seen: list[Event] = []
        self._runs += 1
        built = program.built
        # Whatever may go is given up by name: what was there before, too.
        self._names |= {item.name for item in built.application.constructs}
        orchestrator = Orchestrator(
            built.manifest, built.templates, cast(AssetStep, Assets(program)), self._clients,
            pace=QUICK, sink=seen.append, run_id=f"r{self._runs}", spans=built.spans,
        )  # fmt: skip
        done = orchestrator.deploy(self.deployed(program), delete_data=frozenset(self._names))
        assert done.ok, [item.cause for item in done.failed]
        return fates(seen)


_GOES = ("DELETE_COMPLETE", "DELETE_SKIPPED")


def fates(seen: Iterable[Event]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for event in seen:
        if not isinstance(event, ResourceChanged):
            continue
        key = (event.stack, event.logical_id)
        if event.status == "CREATE_COMPLETE":
            found[key] = "create"
        elif event.status == "UPDATE_IN_PROGRESS":
            found[key] = "replace" if REPLACING in event.reason else "update"
        elif event.status in _GOES and found.get(key) != "replace":
            found[key] = "delete"
    return found


def said(found: Preview) -> tuple[dict[tuple[str, str], str], set[tuple[str, str]]]:
    """What is certain, and what may happen besides."""
    data = found.to_json({})
    listed = [((stack["name"], item["logical_id"]), item) for stack in data["stacks"] for item in stack["resources"]]
    return (
        {key: item["change"] for key, item in listed if not item["uncertain"]},
        {key for key, item in listed if item["uncertain"]},
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    served = ServedCloud(tmp_path_factory.mktemp("cloud"), {})
    served.handlers = recording(served)
    with served:
        yield World(served)


# A failing pair is printed as it is: to shrink one takes minutes.
@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=PROGRAMS, after=PROGRAMS)
def test_what_the_preview_said_is_what_up_did(world: World, before: Program, after: Program) -> None:
    world.examples += 1
    name = f"shop{world.examples}"
    with tempfile.TemporaryDirectory() as folder:
        first = imagined(Path(folder) / "one", before.text(name), code=before.code)
        second = imagined(Path(folder) / "two", after.text(name), code=after.code)
        expected, _ = said(world.preview(first))
        assert world.up(first) == expected
        certain, possible = said(world.preview(second))
        done = world.up(second)
        assert {key: fate for key, fate in done.items() if key not in possible} == certain
        assert not world.preview(second).changes
