"""Outputs are text that stands for a value known at deploy: text works, everything else is said to be impossible."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klotho.application import Application
from klotho.diagnostics import Report

RunProgram = Callable[..., tuple[Application | None, Report]]

START = """import klotho
from klotho import API, Compute, Databases
klotho.Application("shop")
db = Databases.Postgres("db")
"""


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("int(db.port)", "can't become a number: it is known only at deploy"),
        ("float(db.port)", "can't become a number: it is known only at deploy"),
        ("[7][db.port]", "can't become a number: it is known only at deploy"),
        ("db.port + 1", "can't be added to 1: it is known only at deploy"),
        ("1 + db.port", "can't be added to 1: it is known only at deploy"),
        ("db.port - 1", "can't be calculated with 1: it is known only at deploy"),
        ("-db.port", "can't be calculated with anything: it is known only at deploy"),
        ("db.port * 2", "can't be calculated with 2: it is known only at deploy"),
        ("db.port > 5000", "can't be compared with 5000: it is known only at deploy"),
        ("db.port == '5432'", 'can\'t be compared with "5432": it is known only at deploy'),
        ("db.port != 5432", "can't be compared with 5432: it is known only at deploy"),
        ("db.port.startswith('54')", 'can\'t be searched for "54": it is known only at deploy'),
        ("'54' in db.port", 'can\'t be searched for "54": it is known only at deploy'),
        ("db.port in ('5432', )", 'can\'t be compared with "5432": it is known only at deploy'),
    ],
)
def test_calculating_and_comparing_is_said_to_come_too_early(
    run_program: RunProgram, expression: str, said: str
) -> None:
    _, report = run_program(START + f"x = {expression}\nCompute.Container('web', image='i', environment={{'X': x}})\n")
    [diagnostic] = report.errors
    assert diagnostic.code == "value-known-at-deploy"
    assert diagnostic.message == f'the port of Databases.Postgres "db" {said}'
    assert diagnostic.span is not None
    assert diagnostic.span.line == 5
    assert "environment=" in diagnostic.helps[0]


@pytest.mark.parametrize(
    "expression",
    [
        "f'{db.endpoint}:{db.port}'",
        "db.endpoint + ':' + db.port",
        "'host ' + db.endpoint",
        "'%s:%s' % (db.endpoint, db.port)",
        "'%s' % db.endpoint",
        "'{}:{}'.format(db.endpoint, db.port)",
        "':'.join([db.endpoint, db.port])",
        "__import__('json').dumps({'host': db.endpoint})",
        "{db.endpoint: 1} and {'a': db.endpoint}['a']",
        "sorted([db.endpoint, db.port])[0]",
    ],
)
def test_text_works_as_text_does(run_program: RunProgram, expression: str) -> None:
    application, report = run_program(
        START + f"Compute.Container('web', image='i', environment={{'X': {expression}}})\n"
    )
    assert not report.diagnostics
    assert application is not None
    assert "${klotho:Databases.Postgres/db#" in application.constructs[1].properties["environment"]["X"]


@pytest.mark.parametrize(
    "expression", ["db.endpoint.upper()", "db.endpoint[:20]", "db.endpoint.replace('db', 'x')[:-1]"]
)
def test_a_part_of_an_output_is_refused(run_program: RunProgram, expression: str) -> None:
    _, report = run_program(START + f"Compute.Container('web', image='i', environment={{'X': {expression}}})\n")
    [diagnostic] = report.errors
    assert "a part or a changed form of an output" in diagnostic.message


def test_what_can_not_be_set_is_said_in_words(run_program: RunProgram) -> None:
    _, report = run_program(START + "db.foo = 1\ndb.version = 17\n")
    unknown, known = report.errors
    assert unknown.message == 'Databases.Postgres "db" has no `foo` that could be set'
    assert "`version`" in unknown.helps[0]
    assert known.helps == ("give it where the construct is made: `Databases.Postgres(…, version=…)`",)


@pytest.mark.parametrize(
    ("line", "helps"),
    [
        ("from klotho import Queues", "did you mean `Messaging.Queue`?"),
        ("klotho.Storag", "did you mean `Storage`?"),
        ("Databases.Redi", "did you mean `Redis`?"),
        ("from klotho import Contaner", "did you mean `Compute.Container`?"),
        ("Databases.Postgre", "did you mean `Postgres`?"),
        ("klotho.Databse", "did you mean `Databases`?"),
    ],
)
def test_only_what_exists_is_offered(run_program: RunProgram, line: str, helps: str) -> None:
    _, report = run_program(START + line + "\n")
    assert report.errors[0].helps == (helps,)


def test_who_gives_cpu_as_a_fraction_is_told_the_units(run_program: RunProgram) -> None:
    _, report = run_program(START + "Compute.Container('web', image='i', cpu=0.25)\n")
    assert report.errors[0].helps == ("1024 units are one vCPU, so 0.25 vCPU is `cpu=256`",)


def test_no_methods_are_no_list_of_methods(run_program: RunProgram) -> None:
    _, report = run_program(
        START + "API('a').attach_service(Compute.Container('web', image='i'), route='/', methods=[])\n"
    )
    assert report.errors[0].message.endswith("must be a list with at least one HTTP method, not an empty list")


def test_a_route_clash_names_both_patterns(run_program: RunProgram) -> None:
    _, report = run_program(
        START
        + "a, w = API('a'), Compute.Container('web', image='i')\n"
        + "a.attach_service(w, route='/orders/{id}', methods=['GET'])\na.attach_service(w, route='/orders/{order}')\n"
        + "a.attach_service(w, route='/orders/{number}', methods=['GET'])\n"
    )
    [diagnostic] = report.errors
    assert diagnostic.code == "route-clash"
    assert diagnostic.message.startswith('`GET /orders/{number}` and `GET /orders/{id}` are the same route of API "a"')


def test_an_output_is_shown_by_what_it_is_of(run_program: RunProgram) -> None:
    _, report = run_program(
        START + "c = Compute.Container('c', image='i')\nc.reads_from(db.port)\nc.reads_from(f'{db.port}/')\n"
    )
    whole, part = report.errors
    assert whole.message == '`reads_from` needs a construct, not the port of Databases.Postgres "db"'
    assert whole.helps == ("give the construct itself, without `.port`",)
    assert part.message == "`reads_from` needs a construct, not a text with an output in it"
