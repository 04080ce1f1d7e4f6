"""Everything that is deployed explains itself: every resource, every property, in every depth.

Over the examples and over the programs that deploy every row of the table of pairs, in a protected environment with
alarms, which has more than others have. The quick suite asks the small programs; all of them take half a minute.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.application import ConstructId
from klotho.application.files import ProgramFiles
from klotho.catalogue.facts import known_types
from klotho.catalogue.foreign import ForeignConstruct
from klotho.cli.explain_page import explain_page
from klotho.driver.build import build
from klotho.driver.explaining import explainable
from klotho.driver.program import find_program
from klotho.emit import render
from klotho.engine import resolve
from klotho.explain import Compiled, Explainer, Explanation
from klotho.explain.glossary import TYPES
from klotho.explain.lookup import ATTRIBUTES
from klotho.explain.rules import is_known
from klotho.sdk.program import run
from tests.examples.deployment import EXAMPLES
from tests.gates import programs

QUICK = {"users", "guestbook", "test_pairs_attach", "test_pairs_schedule", "project/billing-service"}
PROGRAMS = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.examples)
    for name in (*programs.names(), "annotated-pets", "project/user-service", "project/billing-service")
]
Foreign = dict[ConstructId, ForeignConstruct]


def compiled(name: str, folder: Path) -> Compiled:
    if name == "annotated-pets":
        return explainable(build(find_program(EXAMPLES / name), "local"))
    program = EXAMPLES / name / "infra.py"
    if not program.is_file():
        program = programs._write(name, folder / "program")
    if name != "project/billing-service":
        return compiled_program(program)
    owner = compiled_program(EXAMPLES / "project" / "user-service" / "infra.py")
    shared, known = owner.manifest.shared, owner.application.by_id
    published = {ConstructId(at): found for at, found in shared.items()}
    foreign = {at: ForeignConstruct(owner.application, known[at], found) for at, found in published.items()}
    return compiled_program(program, foreign)


def compiled_program(program: Path, foreign: Foreign | None = None) -> Compiled:
    application, report = run(program)
    assert application is not None and not report.errors, report.errors
    used = {item.id for item in application.constructs if item.from_project}
    resolution = resolve(
        application,
        environment="gates",
        files=ProgramFiles(program.parent),
        report=report,
        policy=programs.PROTECTED,
        foreign={at: found for at, found in (foreign or {}).items() if at in used},
    )
    bundle = render(resolution.graph, resolution.setting, region="us-east-1")
    return Compiled(
        application,
        resolution.graph,
        bundle.keys,
        bundle.manifest,
        {item.template: bundle.files[f"cloudformation/{item.template}"] for item in bundle.manifest.stacks},
        lambda span: f"line {span.line}",
        {at: found.owner for at, found in (foreign or {}).items()},
    )


def places(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place of a template's properties, items of lists by position: what somebody reads in the console. What an
    intrinsic function is made of is its value, no place."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, dict) and len(node) == 1 and next(iter(node)).startswith(("Fn::", "Ref")):
        return
    for name, child in items:
        yield (*path, str(name))
        yield from places(child, (*path, str(name)))


def explains_itself(found: Explanation | None, topic: str, program: Compiled) -> None:
    """To a line of the user's and a rule that has a name, in every depth. Nobody wrote a line for the construct that
    stands for all code without an annotation."""
    written = all(construct.span for construct in program.application.constructs)
    assert found is not None, topic
    assert found.facts, topic
    for fact in found.facts:
        for why in (fact.why, *fact.also, *(who for _, who in fact.rejected)):
            assert is_known(why.rule), (topic, why.rule)
            assert why.lines or not written, (topic, why)
            assert why.about, (topic, why)
    assert found.chain[0].what == ("your line" if found.lines else "choice"), topic
    for depth in ("short", "default", "verbose"):
        text = "\n".join(explain_page(found, depth))
        assert found.summary.split()[0] in text


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_resource_and_property_of_every_program_explains_itself(name: str, tmp_path: Path) -> None:
    program = compiled(name, tmp_path)
    explainer = Explainer(program)
    asked = 0
    for body in program.templates.values():
        for logical_id, entry in json.loads(body)["Resources"].items():
            explains_itself(explainer.explain(logical_id), logical_id, program)
            beside = [attribute for attribute in ATTRIBUTES if attribute in entry]
            for path in (*(".".join(place) for place in places(entry.get("Properties", {}))), *beside):
                explains_itself(explainer.explain(f"{logical_id}.{path}"), f"{logical_id}.{path}", program)
                asked += 1
    assert asked > len(program.keys)


@pytest.mark.parametrize("name", PROGRAMS)
def test_everything_else_that_has_a_name_explains_itself(name: str, tmp_path: Path) -> None:
    program = compiled(name, tmp_path)
    explainer = Explainer(program)
    constructs = [f"{item.kind}/{item.label}" for item in program.application.constructs]
    stacks = [f"stack/{stack.name}" for stack in program.manifest.stacks]
    outputs = [f"output/{output.name}" for output in program.manifest.outputs]
    for topic in (*constructs, *stacks, *outputs, *program.by_type, *program.graph.resources):
        found = explainer.explain(topic)
        assert found is not None and found.summary.endswith("."), topic
        for depth in ("short", "default", "verbose"):
            assert list(explain_page(found, depth)), topic
        json.dumps(found.to_json())


def test_every_resource_type_is_told_in_words() -> None:
    assert sorted({*known_types()} - {*TYPES}) == []


def test_the_time_to_explain_everything_grows_with_the_program(tmp_path: Path) -> None:
    """Counted in calls, which no other load of the machine changes."""
    small, large = (_calls(_explaining(tmp_path / str(services), services)) for services in (3, 9))
    assert large < 3.3 * small


def _explaining(folder: Path, services: int) -> Callable[[], None]:
    folder.mkdir()
    lines = [
        "import klotho",
        "from klotho import API, Compute, Databases",
        'klotho.Application("many")',
        'a = API("a")',
    ]
    for number in range(services):
        lines += [
            f'd{number} = Databases.Postgres("d{number}")',
            f's{number} = Compute.Container("s{number}", image="nginx")',
            f"s{number}.reads_from(d{number})",
            f'a.attach_service(s{number}, route="/{number}")',
        ]
    (folder / "infra.py").write_text("\n".join(lines) + "\n")
    program = compiled_program(folder / "infra.py")

    def explain() -> None:
        explainer = Explainer(program)
        for logical_id in program.keys:
            found = explainer.explain(logical_id)
            assert found is not None
            for fact in found.facts:
                assert explainer.explain(f"{logical_id}.{fact.path}") is not None

    return explain


def _calls(work: Callable[[], None]) -> int:
    count = 0

    def counting(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
