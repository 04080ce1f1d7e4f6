"""What each construct and verb records in the Application model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import klotho
from klotho.application import Application, Existing, OutputRef, from_json, parse_text, to_json
from klotho.diagnostics import ProgramError, Report
from klotho.diagnostics.codes.program import PAGES
from klotho.sdk.construct import KINDS
from klotho.sdk.names import NOW

RunProgram = Callable[..., tuple[Application | None, Report]]

START = 'import klotho\nfrom klotho import API, Compute, Databases\nklotho.Application("shop")\n'


@pytest.fixture
def model(run_program: RunProgram) -> Callable[[str], Application]:
    def build(text: str) -> Application:
        application, report = run_program(START + text)
        assert not report.diagnostics, report.diagnostics
        assert application is not None
        assert from_json(json.loads(json.dumps(to_json(application)))) == application
        return application

    return build


Model = Callable[[str], Application]


@pytest.mark.parametrize(
    ("call", "kind", "properties"),
    [
        ("Compute.Container(context='./svc/orders')", "Compute.Container/orders", {"context": "svc/orders"}),
        ("Compute.Container('a', context='.', port=None)", "Compute.Container/a", {"context": "."}),
        ("Compute.Container('a', image='i', scale=(1, 4))", "Compute.Container/a", {"image": "i", "scale": [1, 4]}),
        ("Compute.Function('f', 'a/b.c')", "Compute.Function/f", {"handler": "a/b.c"}),
        ("Compute.Function('f', handler='./b.c', memory=512)", "Compute.Function/f", {"handler": "b.c", "memory": 512}),
        ("Databases.Postgres('d', version=16)", "Databases.Postgres/d", {"version": "16"}),
        ("Databases.KeyValue('t')", "Databases.KeyValue/t", {}),
        ("Databases.KeyValue('t', key='id')", "Databases.KeyValue/t", {"key": [["id", "S"]]}),
        ("Databases.KeyValue('t', key=('a', 'b'))", "Databases.KeyValue/t", {"key": [["a", "S"], ["b", "S"]]}),
        ("Databases.KeyValue('t', key={'a': int})", "Databases.KeyValue/t", {"key": [["a", "N"]]}),
        ("Databases.KeyValue('t', key=[['a', 'B']])", "Databases.KeyValue/t", {"key": [["a", "B"]]}),
        (
            "Databases.KeyValue('t', ttl='until', indexes={'by_u': {'u': str, 'at': int}, 'by_k': {'key': 'k'}})",
            "Databases.KeyValue/t",
            {"ttl": "until", "indexes": {"by_u": {"key": [["u", "S"], ["at", "N"]]}, "by_k": {"key": [["k", "S"]]}}},
        ),
        ("API('a', public=False, cors='https://x.example')", "API/a", {"public": False, "cors": ["https://x.example"]}),
    ],
)  # fmt: skip
def test_a_construct_records_only_what_was_given(
    model: Model, call: str, kind: str, properties: dict[str, Any]
) -> None:
    [construct] = model(call).constructs
    assert (construct.id, dict(construct.properties)) == (kind, properties)


def test_environment_values_become_text_and_keep_outputs(model: Model) -> None:
    application = model(
        "a = Compute.Container('a', image='i')\nt = Databases.KeyValue('t')\nimport json\n"
        "Compute.Container('b', image='i', environment={'URL': f'{a.url}/x', 'N': 1, 'F': 1.5, 'T': True, "
        "'J': json.dumps([t.table]), 'K': ','.join([a.url, 'x']), 'P': 'at ' + a.url})"
    )
    environment = application.constructs[2].properties["environment"]
    assert parse_text(environment["URL"]) == [OutputRef(application.constructs[0].id, "url"), "/x"]
    assert (environment["N"], environment["F"], environment["T"]) == ("1", "1.5", "true")
    assert (
        len([piece for value in environment.values() for piece in parse_text(value) if not isinstance(piece, str)]) == 4
    )
    assert {type(value) for value in environment.values()} == {str}


def test_verbs_record_relationships_with_what_was_given(model: Model) -> None:
    application = model(
        "d = Databases.Postgres('d')\na = Compute.Container('a', image='i')\nf = Compute.Function('f', 'x.y')\n"
        "a.reads_from(d)\nf.writes_to(d)\na.read_writes_to(target=d)\na.calls(f)\n"
        "f.calls(a, 'grpc')\nf.calls(a, protocol='http')\n"
        "api = API('api')\napi.attach_service(a)\napi.attach_service(f, '/f/{id}', methods=['get', 'GET', 'post'])"
    )
    said = [(item.verb, item.actor, item.target, dict(item.properties)) for item in application.relationships]
    a, d, f = "Compute.Container/a", "Databases.Postgres/d", "Compute.Function/f"
    assert said == [
        ("reads_from", a, d, {}),
        ("writes_to", f, d, {}),
        ("read_writes_to", a, d, {}),
        ("calls", a, f, {}),
        ("calls", f, a, {"protocol": "grpc"}),
        ("calls", f, a, {"protocol": "http"}),
        ("attach_service", "API/api", a, {"route": "/"}),
        ("attach_service", "API/api", f, {"route": "/f/{id}", "methods": ["GET", "POST"]}),
    ]
    assert all(item.span for item in application.relationships)


def test_requirements_and_directives_are_recorded(run_program: RunProgram) -> None:
    application, report = run_program(
        "import klotho\napp = klotho.Application('shop', region='eu-central-1')\n"
        "app.requires(availability=99.9)\n"
        "d = klotho.Databases.Postgres('d')\nd.expects(storage_gb=50)\nd.use('rds', multi_az=True)\n"
        "d.override('AWS::RDS::DBInstance', {'Tags': [{'Key': 'a', 'Value': 'b'}]})\n"
    )
    assert not report.diagnostics
    assert application is not None
    assert [(item.subject, item.name, item.value) for item in application.requirements] == [
        (None, "availability", 99.9),
        ("Databases.Postgres/d", "storage_gb", 50),
    ]
    assert [(item.action, item.target, dict(item.properties)) for item in application.directives] == [
        ("use", "rds", {"multi_az": True}),
        ("override", "AWS::RDS::DBInstance", {"Tags": [{"Key": "a", "Value": "b"}]}),
    ]
    assert application.region == "eu-central-1"


def test_stacks_come_from_the_innermost_block_or_the_argument(model: Model) -> None:
    application = model(
        "with klotho.Stack('outer'):\n    Databases.KeyValue('a')\n"
        "    with klotho.Stack('inner') as s:\n"
        "        Databases.KeyValue('b')\n        Databases.KeyValue('c', stack='own')\n"
        "Databases.KeyValue('d', stack=s)\n"
        "Databases.KeyValue('e')"
    )
    assert [item.stack for item in application.constructs] == ["outer", "inner", "own", "inner", None]


def test_constructs_of_other_repositories_and_existing_ones_need_no_details(model: Model) -> None:
    application = model("Compute.Container('a', from_project=True)\nCompute.Function('b', existing='arn:aws:lambda:x')")
    assert [(item.from_project, item.existing) for item in application.constructs] == [
        (True, None),
        (False, Existing("arn:aws:lambda:x")),
    ]


def test_a_class_of_the_users_may_extend_a_construct(model: Model) -> None:
    application = model(
        "class Service(Compute.Container):\n    def __init__(self, name):\n"
        "        super().__init__(name, context=name)\n"
        "        self.label = name\n"
        "s = Service('orders')\nassert s.label == 'orders'\ns.calls(Service('pdf'))"
    )
    assert [item.id for item in application.constructs] == ["Compute.Container/orders", "Compute.Container/pdf"]


def test_every_construct_of_the_namespaces_is_known_by_name() -> None:
    for name in NOW:
        getattr(klotho, name)  # constructs at the top are loaded by their first use
    others = {"Annotated", "Application", "Existing", "Stack", "config"}
    named = {f"{space}.{item}" if item else space for space, items in NOW.items() for item in items or ("",)} - others
    assert named == set(KINDS)


@pytest.mark.parametrize("page", [page for page in PAGES if page.example], ids=lambda page: page.code)
def test_the_example_of_a_code_gives_exactly_that_code(run_program: RunProgram, page: Any) -> None:
    _, report = run_program(page.example)
    assert {item.code for item in report.diagnostics} == {page.code}


def test_a_mistake_is_said_at_once_where_klotho_runs_no_program() -> None:
    import klotho

    with pytest.raises(ProgramError, match="no argument `kye`"):
        klotho.Databases.KeyValue("carts", kye="id")  # type: ignore[call-arg]


def test_a_name_that_does_not_exist_is_pythons_own_error_where_no_program_runs() -> None:
    import klotho

    with pytest.raises(AttributeError, match=r"did you mean `Compute`"):
        _ = klotho.Compte  # type: ignore[attr-defined]
