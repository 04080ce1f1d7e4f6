"""Mistakes that AWS or the running code would find much later, and all of a program's mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.application.files import ProgramFiles
from klotho.catalogue.tables import table
from klotho.diagnostics import Diagnostic, ProgramError
from klotho.driver.build import build
from klotho.driver.program import find_program
from klotho.engine import report_mistakes
from klotho.resources import ResourceKey
from klotho.sdk.program import run
from tests.unit.engine.conftest import Builder

START = """import klotho
from klotho import API, Compute, Databases
klotho.Application("shop")
"""


def found(folder: Path, text: str) -> list[Diagnostic]:
    """What the whole way from the program to the engine reports."""
    (folder / "infra.py").write_text(START + text)
    with pytest.raises(ProgramError) as raised:
        build(find_program(folder), None)
    return raised.value.diagnostics


def test_mistakes_of_every_stage_come_together(tmp_path: Path) -> None:
    diagnostics = found(
        tmp_path,
        "Compute.Contaner('x')\n"
        "a = Compute.Container('a', context='./missing', cpu='x')\n"
        "b = Compute.Container('b', image='i', cpu=300, port='80')\n"
        "f = Compute.Function('f', handler='none.handler', memory=1)\n"
        "db = Databases.Postgres('db', storage_gb=1, version=9, backups=3)\n"
        "API('api').reads_from(db)\n"
        "API('api2').attach_service(db, route='/x')\n"
        "a.calls(db)\n"
        "c = Compute.Container('c', image='i', environment={'A': a.url, 'B': a.nothing})\n"
        "1 / 0\n",
    )
    assert sorted((item.span.line if item.span else 0, item.code) for item in diagnostics) == [
        (4, "unknown-kind"),
        (5, "missing-context"),
        (5, "wrong-argument"),
        (6, "bad-size"),
        (6, "wrong-argument"),
        (7, "bad-size"),
        (7, "missing-handler"),
        (8, "bad-size"),
        (8, "bad-version"),
        (8, "unknown-argument"),
        (9, "unknown-attribute"),
        (10, "senseless-relationship"),
        (11, "senseless-relationship"),
        (12, "unknown-attribute"),
        (13, "program-raised"),
    ]


def test_what_follows_from_a_reported_mistake_is_not_said(tmp_path: Path) -> None:
    diagnostics = found(
        tmp_path,
        "a = Compute.Container('a', contxt='./a')\n"
        "b = Compute.Container('b')\n"
        "c = Compute.Container('c', context=5, port='x')\n"
        "f = Compute.Function('f')\n"
        "g = Compute.Function('g', handler=5, runtime=6)\n"
        "h = Compute.Function('h', handler=a.nothing)\n"
        "a.calls(c, 'grpc')\n",
    )
    assert [item.code for item in diagnostics] == [
        "unknown-argument",
        "missing-argument",
        "wrong-argument",
        "wrong-argument",
        "missing-argument",
        "wrong-argument",
        "wrong-argument",
        "unknown-attribute",
    ]


def test_a_bad_name_hides_no_other_mistake(tmp_path: Path) -> None:
    diagnostics = found(
        tmp_path,
        "a = Compute.Container('no spaces', context='./none')\nb = Compute.Container('no spaces', image='i', cpu=5)\n"
        "c = Compute.Function(handler='none.x')\nAPI('api').attach_service(a, '/')\n",
    )
    assert sorted((item.span.line if item.span else 0, item.code) for item in diagnostics) == [
        (4, "bad-name"),
        (4, "missing-context"),
        (5, "bad-name"),
        (5, "bad-size"),
        (6, "missing-argument"),
        (6, "missing-handler"),
    ]
    assert any('Compute.Container "no spaces"' in item.message for item in diagnostics)


def test_a_missing_application_hides_no_other_mistake(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text("from klotho import Compute\nCompute.Container('a', context='./none')\n")
    with pytest.raises(ProgramError) as raised:
        build(find_program(tmp_path), None)
    assert [item.code for item in raised.value.diagnostics] == ["no-application", "missing-context"]


def test_the_engine_adds_to_a_report_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(START + "Compute.Container('a', context='./none', prt=1)\n")
    application, report = run(tmp_path / "infra.py")
    assert application is not None
    report_mistakes(application, files=ProgramFiles(tmp_path), report=report)
    assert [item.code for item in report.diagnostics] == ["missing-context", "unknown-argument"]


def test_engine_mistakes_are_marked_at_the_argument(tmp_path: Path) -> None:
    diagnostics = found(
        tmp_path,
        "Compute.Container(\n    'a',\n    image='i',\n    cpu=300,\n    environment={\n        'PORT': '1',\n    },\n"
        ")\n",
    )
    assert [(item.code, item.span and (item.span.line, item.span.column)) for item in diagnostics] == [
        ("bad-size", (7, 9)),
        ("bad-variable", (9, 9)),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("function", "U", "at least two letters"),
        ("function", "_X", "start with a letter"),
        ("function", "AWS_REGION", "Lambda keeps this name"),
        ("function", "_HANDLER", "Lambda keeps this name"),
        ("function", "LAMBDA_TASK_ROOT", "Lambda keeps this name"),
        ("function", "AWS_LAMBDA_FUNCTION_NAME", "Lambda keeps this name"),
        ("function", "KLOTHO_UNIT", "Klotho keeps names"),
        ("container", "KLOTHO_DATASTORE_DB", "Klotho keeps names"),
        ("container", "PORT", "Klotho sets it"),
        ("container", "GRPC_PORT", "Klotho sets it"),
    ],
)
def test_a_variable_that_can_not_be_set_is_refused_with_the_reason(
    app: Builder, kind: str, name: str, reason: str
) -> None:
    ports = {"ports": {"http": 80, "grpc": 90}} if kind == "container" else {}
    (problem,) = app.add(kind, "it", environment={name: "x", "FINE": "y"}, **ports).problems()
    assert problem.code == "bad-variable"
    assert f"`{name}`" in problem.message
    assert reason in problem.notes[0]
    assert problem.helps


@pytest.mark.parametrize(("kind", "name"), [("container", "U"), ("container", "AWS_REGION"), ("function", "PORT")])
def test_a_variable_that_can_be_set_is_taken(app: Builder, kind: str, name: str) -> None:
    assert app.add(kind, "it", environment={name: "x"}).problems() == []


def test_all_bad_names_of_variables_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def h(event, context): ...\n")
    names = "{5: 'a', 'a b': 'b', None: 'c', '': 'd', 'U': 'e', 'AWS_REGION': None, 'OK': 'f'}"
    diagnostics = found(tmp_path, f"Compute.Function('f', handler='f.h', environment={names})\n")
    assert sorted(item.message.partition("` of ")[0] for item in diagnostics if item.code == "wrong-argument") == [
        '`environment[""]',
        '`environment["AWS_REGION"]',
        '`environment["a b"]',
        "`environment[5]",
        "`environment[None]",
    ]
    refused = [item.message.split("`")[1] for item in diagnostics if item.code == "bad-variable"]
    assert refused == ["U", "AWS_REGION"]


@pytest.mark.parametrize(
    ("storage", "says"), [(1, "`storage_gb=20`"), (19, "`storage_gb=20`"), (65537, "`storage_gb=65536`")]
)
def test_a_database_has_the_storage_that_rds_takes(app: Builder, storage: int, says: str) -> None:
    (problem,) = app.add("postgres", "db", storage_gb=storage).problems()
    assert problem.code == "bad-size"
    assert says in problem.helps[0]


@pytest.mark.parametrize(
    ("storage", "largest"), [(20, 100), (20_000, 65_536), (59_000, 65_536), (60_000, None), (65_536, None)]
)
def test_storage_grows_as_far_as_rds_lets_it(app: Builder, storage: int, largest: int | None) -> None:
    instance = (
        app.add("postgres", "db", storage_gb=storage).resolve().graph[ResourceKey("Databases.Postgres/db:database")]
    )
    assert instance.properties.get("MaxAllocatedStorage") == largest


def test_a_version_is_one_that_rds_has(app: Builder) -> None:
    (problem,) = app.add("postgres", "db", version="11").problems()
    assert problem.code == "bad-version"
    for number, major in enumerate(table("rds")["postgres"]["majors"]):
        app.add("postgres", f"db{number}", version=f"{major}.1")
    assert app.codes() == ["bad-version"]


def test_two_files_that_can_be_the_handler_are_refused(app: Builder) -> None:
    (app.root / "functions" / "work.js").write_text("exports.handler = 1\n")
    (problem,) = app.add("function", "it").problems()
    assert problem.code == "ambiguous-handler"
    assert "`functions/work.py` or `functions/work.js`" in problem.message


@pytest.mark.parametrize("runtime", ["python3.12", "nodejs22.x"])
def test_a_runtime_says_which_of_two_files_is_the_handler(app: Builder, runtime: str) -> None:
    (app.root / "functions" / "work.js").write_text("exports.handler = 1\n")
    assert app.add("function", "it", runtime=runtime).problems() == []


def test_a_runtime_of_another_language_than_the_handler_is_refused(app: Builder) -> None:
    (problem,) = app.add("function", "it", runtime="nodejs22.x").problems()
    assert problem.code == "bad-runtime"
    assert "`functions/work.py`" in problem.message


def test_a_python_handler_with_a_syntax_error_is_refused_at_its_line(app: Builder) -> None:
    (app.root / "functions" / "work.py").write_text("def handler(event, context):\n    return (\n")
    (problem,) = app.add("function", "it").problems()
    assert problem.code == "handler-syntax"
    assert problem.span is not None
    assert (problem.span.file, problem.span.line) == ("functions/work.py", 2)
    assert problem.labels[1].span.file == "infra.py"


@pytest.mark.parametrize(
    "line", ["type Name = str", "def first[T](items: list[T]) -> T: ...", "x = f'{d['a']}'", "class A[T]: ..."]
)
def test_syntax_newer_than_this_python_is_left_to_the_runtime(app: Builder, line: str) -> None:
    (app.root / "functions" / "work.py").write_text(f"{line}\ndef handler(event, context): ...\n")
    assert app.add("function", "it", runtime="python3.13").problems() == []


def test_two_things_of_one_name_used_by_one_service_are_refused_at_both_lines(app: Builder) -> None:
    app.add("container", "web").add("postgres", "orders")
    postgres = app.id("orders")
    app.says("web", "reads_from", "orders").add("keyvalue", "orders")
    app.constructs.reverse()
    app.says("web", "reads_from", "orders")
    assert app.relationships[0].target == postgres != app.relationships[1].target
    (problem,) = app.problems()
    assert problem.code == "ambiguous-name"
    assert [label.span.line for label in problem.labels] == [5, 3]
    assert '"orders": Databases.Postgres and Databases.KeyValue' in problem.message


def test_two_things_of_one_name_are_fine_for_two_services(app: Builder) -> None:
    app.add("container", "web").add("function", "pdf").add("postgres", "orders")
    app.says("web", "reads_from", "orders").add("keyvalue", "orders")
    app.constructs.reverse()
    app.says("pdf", "reads_from", "orders")
    assert app.problems() == []


def test_a_path_outside_says_how_far_paths_may_go(app: Builder) -> None:
    (problem,) = app.add("container", "web", context="../..").problems()
    assert problem.code == "outside-repository"
    assert "in no git repository" in problem.notes[0]
    assert "git init" in problem.helps[0]


def test_a_missing_folder_offers_folders_by_their_whole_path(app: Builder) -> None:
    (app.root / "services" / "wob").write_text("a file")
    (problem,) = app.add("container", "web", context="services/wab").problems()
    assert problem.helps == ("did you mean `services/web`?",)


def test_a_missing_handler_offers_no_file_that_can_not_be_one(app: Builder) -> None:
    (app.root / "functions" / "jobs.md").write_text("text")
    (problem,) = app.add("function", "it", handler="functions/jobs.run").problems()
    assert "did you mean" not in problem.helps[0]
    assert "`run`" in problem.helps[0]


def test_a_pins_parameters_are_read_like_the_constructs(tmp_path: Path) -> None:
    diagnostics = found(tmp_path, "Compute.Container('a', image='i').use('fargate', cpu='512', memory=None, ports=3)\n")
    assert [item.code for item in diagnostics] == ["wrong-argument", "wrong-argument"]
