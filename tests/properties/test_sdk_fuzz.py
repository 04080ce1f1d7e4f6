"""Whatever a program says to the SDK, it gets an Application or diagnostics, never a traceback."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import klotho
from klotho.application import Application, from_json, to_json
from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError, Report, render_text
from klotho.diagnostics.codes import PAGES
from klotho.engine import resolve
from klotho.sdk.program import run

COMMON = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
ROOT = Path(tempfile.mkdtemp(prefix="klotho-fuzz-"))


class Hostile:
    """Raises from whatever is done with it."""

    def _raise(self, *args: object) -> Any:
        raise ValueError("hostile")

    __repr__ = __str__ = __len__ = __iter__ = __bool__ = __fspath__ = __eq__ = _raise  # type: ignore[assignment]
    __hash__ = object.__hash__


def _holds_itself() -> list[Any]:
    loop: list[Any] = []
    loop.append({"again": loop})
    return loop


class Stand(NamedTuple):
    """Stands for a value that hypothesis could not print; `_real` puts the value in."""

    name: str


STANDS: dict[str, Any] = {
    "hostile": Hostile(),
    "huge": 10**5000,
    "holds itself": _holds_itself(),
    "module": klotho,
    "namespace": klotho.Compute,
    "class": klotho.Compute.Container,
    "function": len,
    "object": object(),
}

NAMES = st.one_of(
    st.sampled_from(["orders", "a_b", "a-b", "", "é", "x" * 64, "${klotho:API/x#url}", "\ud800", "\0", "a\nb"]),
    st.text(max_size=12),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    NAMES,
    st.binary(max_size=4),
    st.sampled_from([str, int, Hostile, ...]),
    st.sampled_from(sorted(STANDS)).map(Stand),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(NAMES, st.integers(), st.just("key")), inner, max_size=3),
    ),
    max_leaves=6,
)
KEYWORDS = st.sampled_from(
    [
        "name",
        "context",
        "dockerfile",
        "image",
        "port",
        "ports",
        "command",
        "environment",
        "cpu",
        "memory",
        "scale",
        "health_check",
        "always_on",
        "stack",
        "from_project",
        "existing",
        "handler",
        "runtime",
        "timeout",
        "version",
        "storage_gb",
        "instance",
        "backup_days",
        "protect",
        "key",
        "ttl",
        "indexes",
        "public",
        "cors",
        "project",
        "region",
        "route",
        "methods",
        "protocol",
        "target",
        "service",
        "implementation",
        "resource_type",
        "properties",
        "availability",
        "requests_per_month",
        "self",
        "nme",
    ]
)
ATTRIBUTES = st.sampled_from(
    [
        "reads_from",
        "writes_to",
        "read_writes_to",
        "calls",
        "attach_service",
        "use",
        "override",
        "requires",
        "expects",
        "name",
        "url",
        "password",
        "table",
        "publishes_to",
        "reads_form",
        "Contaner",
    ]
)
CALLS = st.sampled_from(
    [
        *["Application", "API", "Stack", "Compute.Container", "Compute.Function", "Databases.Postgres"],
        *["Databases.KeyValue", "Databases.Redis", "Compute.Contaner", "Storage.Bucket", "Nothing", "Compute"],
    ]
)
ARGUMENTS = st.tuples(
    st.lists(st.one_of(VALUES, st.integers(0, 5).map(lambda index: ("#", index))), max_size=3),
    st.dictionaries(st.one_of(KEYWORDS, st.text(max_size=4)), VALUES, max_size=4),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("make"), CALLS, ARGUMENTS),
        st.tuples(st.just("say"), ATTRIBUTES, ARGUMENTS),
        st.tuples(st.just("assign"), ATTRIBUTES, ARGUMENTS),
    ),
    max_size=8,
)


def _look_up(name: str) -> Any:
    value: Any = klotho
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _real(value: Any) -> Any:
    if isinstance(value, Stand):
        return STANDS[value.name]
    if isinstance(value, list | tuple):
        return type(value)(_real(item) for item in value)
    if isinstance(value, dict):
        return {key: _real(item) for key, item in value.items()}
    return value


def _perform(steps: list[Any]) -> None:
    made: list[Any] = []
    for action, name, (args, kwargs) in steps:
        kwargs = _real(kwargs)
        given_args = [
            made[item[1] % len(made)] if isinstance(item, tuple) and item[:1] == ("#",) and made else item
            for item in args
        ]
        if action == "make":
            made.append(_look_up(name)(*given_args, **kwargs))
        elif made and action == "say":
            value = getattr(made[-1], name)
            if callable(value):
                value(*given_args, **kwargs)
        elif made:
            setattr(made[-1], name, args)


def _run(program: Callable[[], None] | str | bytes) -> tuple[Application | None, Report]:
    path = ROOT / "infra.py"
    if callable(program):
        klotho.__dict__["_fuzz_program"] = program
        path.write_text("import klotho\nklotho._fuzz_program()\n")
    elif isinstance(program, bytes):
        path.write_bytes(program)
    else:
        path.write_text(program, encoding="utf-8", errors="surrogatepass")
    return run(path)


def _check(application: Application | None, report: Report) -> None:
    assert application is not None or report.errors
    if application is not None:
        # Also where the SDK found mistakes: the engine adds its own.
        with contextlib.suppress(ProgramError):
            resolve(application, environment="local", files=ProgramFiles(ROOT), report=report)
    for item in report.diagnostics:
        assert item.code in PAGES, item.code
        assert item.span is not None or item.code == "empty-program", item
        assert "this came out of Klotho itself" not in " ".join(item.notes), item
        assert "\n" not in item.message
    render_text(report.diagnostics, ROOT).encode()
    if application is not None:
        assert from_json(json.loads(json.dumps(to_json(application), allow_nan=False))) == application


@COMMON
@given(STEPS)
def test_random_calls_with_random_arguments_give_an_application_or_diagnostics(steps: list[Any]) -> None:
    _check(*_run(lambda: _perform(steps)))


@COMMON
@given(STEPS)
def test_no_call_of_the_sdk_stops_the_program(steps: list[Any]) -> None:
    _, report = _run(lambda: _perform([item for item in steps if item[0] != "assign"]))
    assert not [item for item in report.diagnostics if item.code in ("program-raised", "program-exited")]


@COMMON
@given(st.one_of(st.text(), st.binary()))
def test_random_text_as_a_program_gives_diagnostics(text: str | bytes) -> None:
    _check(*_run(text))


SNIPPETS = """\
import klotho
from klotho import Compute, API, Databases
klotho.Application('shop')
db = Databases.Postgres('d')
c = Compute.Container('c', context='c')
c.reads_from(db)
c.calls(c
API('a').attach_service(c, '/x')
raise ValueError
from klotho import Foo, Domain
Foo.bar().baz
x = f'{c.url}{db.password}'
c.environment = x
1 / 0
import os, nothing
for i in range(3):
    Compute.Container(f'c{i}', image='i', environment={'X': x})
def f(): f()
f()
raise SystemExit(3)
class A(Compute.Container): pass
class B(Compute.Container): __init__ = lambda self: None
A('z', image='z').calls(c)
B().calls(B())
del c.url
with klotho.Stack('s'):
raise BaseException
c + 1
c[0]
len(Foo)
[*Foo]
raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})
exec('Compute.Containr(1)')
import sys; sys.path.clear()
import os; os.chdir('/')
""".splitlines()


@COMMON
@given(st.lists(st.sampled_from(SNIPPETS), max_size=10))
def test_random_lines_of_real_programs_give_an_application_or_diagnostics(lines: list[str]) -> None:
    _check(*_run("\n".join(lines)))


SETTING = """\
import klotho
from klotho import Compute, API, Databases
klotho.Application('shop')
db = Databases.Postgres('d')
c = Compute.Container('b', image='i')
f = Compute.Function('f', handler='infra.c')
t = Databases.KeyValue('d')
a = API('a')
"""
STATEMENTS = """\
int(db.port) + 1
c = Compute.Container('c', image='i', ports={'grpc': 1}, environment={'PORT': 1, 'KLOTHO_X': c.url, '': 2})
c.use('fargate', cpu='x', memory=[1], ports={'a': 'b'}, scale=3, environment={'1': 2})
c.use('fargate', cpu=1, memory=True, image=None, environment={'A': db.password})
db.use('rds', storage_gb='x', version=[1], instance={})
db.override('AWS::RDS::DBInstance', {'MultiAZ': 3, 'Tags': {'a': 1}, 'AllocatedStorage': None, 'DBName': db.port})
f = Compute.Function('f', handler='x/y.z', memory='q', environment={'A': 'b'})
f = Compute.Function('f', handler='infra.x', runtime='python3.11', context='..')
f.use('lambda', handler=5, timeout={}, runtime=[1], environment=3)
t = Databases.KeyValue('d', key=('a', 'b'), indexes={'xyz': 'a'})
t.use('dynamodb', key=[[1]], indexes={'a': 3}, ttl=[])
a.use('http-api', cors=5, public='x')
c.reads_from(t); c.writes_to(db); f.calls(c, 'grpc'); c.calls(f, 'grpc'); f.calls(f)
Compute.Container('c', from_project=True).calls(Databases.Postgres('d', existing='x'))
a.attach_service(f, '/x'); a.attach_service(c, '/{y}'); a.attach_service(t, '/x')
c.environment = db.port
Compute.Container('e', context='../x', environment={'A': c.url, 'B': t.nothing})
""".splitlines()


@COMMON
@given(st.lists(st.sampled_from(STATEMENTS), max_size=8))
def test_random_statements_about_sound_constructs_give_a_graph_or_diagnostics(lines: list[str]) -> None:
    application, report = _run(SETTING + "\n".join(lines))
    assert not [item for item in report.diagnostics if item.code == "program-raised"]
    _check(application, report)


@COMMON
@given(NAMES, NAMES)
def test_an_output_read_twice_is_the_same_text(name: str, other: str) -> None:
    def program() -> None:
        klotho.Application("shop")
        service = klotho.Compute.Container(name, context="x")
        assert service.url == service.url
        assert f"{service.url}" == str(service.url)
        klotho.Compute.Container(other, context="y", environment={"A": service.url, "B": f"{service.url}/x"})

    application, report = _run(program)
    _check(application, report)
    assert not [item for item in report.diagnostics if item.code == "program-raised"]
