"""Running a program: what is restored, what is forgotten, and what it is told when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.application import Application, to_json
from klotho.diagnostics import Report
from klotho.sdk.program import run

RunProgram = Callable[..., tuple[Application | None, Report]]

START = 'import klotho\nfrom klotho import API, Compute, Databases\nklotho.Application("shop", project="acme")\n'


def codes(report: Report) -> list[str]:
    return [item.code for item in report.diagnostics]


def test_a_second_run_sees_edits_of_the_programs_own_modules(run_program: RunProgram) -> None:
    text = START + "from parts.names import NAME\nDatabases.KeyValue(NAME)\n"
    first, _ = run_program(text, {"parts/names.py": "NAME = 'one'\n"})
    second, _ = run_program(text, {"parts/names.py": "NAME = 'two'\n"})
    assert first is not None
    assert second is not None
    assert [first.constructs[0].name, second.constructs[0].name] == ["one", "two"]
    assert "parts.names" not in sys.modules


def test_a_run_leaves_the_interpreter_and_the_folder_as_they_were(run_program: RunProgram, tmp_path: Path) -> None:
    before = (list(sys.path), list(sys.argv), sys.modules["__main__"], os.getcwd(), sys.dont_write_bytecode)
    limit = sys.getrecursionlimit()
    run_program(
        START
        + "import os, sys, part\nos.chdir('/')\nsys.path.clear()\nsys.argv.append('x')\nsys.setrecursionlimit(99)\n",
        {"part.py": ""},
    )
    assert (list(sys.path), list(sys.argv), sys.modules["__main__"], os.getcwd(), sys.dont_write_bytecode) == before
    assert sys.getrecursionlimit() == limit
    assert sorted(path.name for path in tmp_path.iterdir()) == ["infra.py", "part.py"]


def test_a_program_prints_to_standard_error(run_program: RunProgram, capsys: pytest.CaptureFixture[str]) -> None:
    run_program(START + "print('hello')\nDatabases.KeyValue('carts')\n")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_a_program_runs_under_its_main_guard(run_program: RunProgram) -> None:
    application, report = run_program(START + "if __name__ == '__main__':\n    Databases.KeyValue('carts')\n")
    assert application is not None
    assert not report.diagnostics
    assert [item.id for item in application.constructs] == ["Databases.KeyValue/carts"]


def test_calls_in_loops_functions_and_modules_keep_the_line_of_the_call(run_program: RunProgram) -> None:
    application, report = run_program(
        START + "from shared.tables import table\nfor name in ('a', 'b'):\n    table(name)\n",
        {"shared/tables.py": "from klotho import Databases\n\ndef table(name):\n    return Databases.KeyValue(name)\n"},
    )
    assert not report.diagnostics
    assert application is not None
    spans = [item.span for item in application.constructs]
    assert [tuple(span) for span in spans if span] == [("shared/tables.py", 4, 12, 4, 36)] * 2


def test_columns_count_characters_also_after_letters_outside_ascii(run_program: RunProgram) -> None:
    application, _ = run_program(START + "é = 'äöü'; t = Databases.KeyValue('carts')\n")
    assert application is not None
    assert tuple(application.constructs[0].span or ()) == ("infra.py", 4, 16, 4, 43)


def test_all_mistakes_of_a_program_come_at_once(run_program: RunProgram) -> None:
    _, report = run_program(
        START + "Compute.Contaner('a')\nDatabases.Redi('b')\nDatabases.KeyValue('c', kye='id')\n1 / 0\n"
    )
    assert codes(report) == ["unknown-kind", "unknown-kind", "unknown-argument", "program-raised"]


def test_a_deep_recursion_is_one_diagnostic_with_a_short_trace(run_program: RunProgram) -> None:
    _, report = run_program(START + "def again(n):\n    return again(n + 1)\nagain(0)\n")
    [diagnostic] = [item for item in report.diagnostics if item.code == "program-raised"]
    assert "RecursionError" in diagnostic.message
    assert len(diagnostic.labels) <= 4


def test_an_exception_whose_text_raises_is_still_a_diagnostic(run_program: RunProgram) -> None:
    _, report = run_program(START + "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n")
    assert codes(report) == ["program-raised"]


def test_ctrl_c_passes_through(run_program: RunProgram) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_program(START + "raise KeyboardInterrupt\n")


@pytest.mark.parametrize("line", ["raise SystemExit(0)", "import sys; sys.exit()", "exit(0)", "quit()"])
def test_ending_early_with_success_is_a_mistake_too(run_program: RunProgram, line: str) -> None:
    _, report = run_program(START + f"Databases.KeyValue('carts')\n{line}\nDatabases.KeyValue('users')\n")
    [diagnostic] = report.errors
    assert (diagnostic.code, diagnostic.message) == ("program-exited", "the program ended itself")
    assert diagnostic.span is not None
    assert diagnostic.span.line == 5
    assert "the rest of the program was not read" in diagnostic.notes[0]


def test_ending_with_an_error_is_named_at_its_line(run_program: RunProgram) -> None:
    _, report = run_program(START + "import sys\nsys.exit('no credentials')\n")
    [diagnostic] = report.errors
    assert (diagnostic.code, diagnostic.message) == ("program-exited", "the program ended itself: no credentials")
    assert diagnostic.span is not None
    assert diagnostic.span.line == 5


def test_a_syntax_error_in_a_module_names_that_module(run_program: RunProgram) -> None:
    _, report = run_program("import part\n", {"part.py": "x = (\n"})
    assert [str(item.span) for item in report.errors] == ["part.py:1"]


@pytest.mark.parametrize(
    "source", [b"\xff\xfe", b"x = '\0'", b"# coding: nonsense\n", b"(" * 5000, b"x = " + b"-" * 200_000 + b"1"]
)
def test_bytes_that_are_no_program_are_a_diagnostic(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "infra.py").write_bytes(source)
    application, report = run(tmp_path / "infra.py")
    assert application is None
    assert codes(report) == ["program-syntax"]


def test_a_missing_program_is_a_diagnostic(tmp_path: Path) -> None:
    assert codes(run(tmp_path / "infra.py")[1]) == ["program-missing"]
    (tmp_path / "infra.py").mkdir()
    assert codes(run(tmp_path / "infra.py")[1]) == ["program-missing"]


def test_the_model_is_the_same_under_any_hash_seed(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(
        START
        + "db = Databases.KeyValue('t', key={'a': str}, indexes={'by_b': 'b', 'by_c': 'c'})\n"
        + "s = Compute.Container('s', image='i', environment={'A': db.table, 'B': 'x'})\ns.use('fargate', cpu=1, b=2)\n"
    )
    script = (
        "import json; from pathlib import Path; from klotho.sdk.program import run;"
        "from klotho.application import to_json;"
        "application, report = run(Path('infra.py')); assert application and not report.diagnostics;"
        "print(json.dumps(to_json(application)))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "42")
    }
    assert len(outputs) == 1


def test_run_as_a_script_it_says_what_to_run_instead(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(START + "Databases.KeyValue('carts')\n")
    done = subprocess.run([sys.executable, "infra.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "infra.py describes an application; `klotho up` runs it\n")


def test_run_as_a_script_it_shows_mistakes_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(START + "from klotho import Contaner\nDatabases.KeyValue('a', kye=1)\n1 / 0\n")
    done = subprocess.run([sys.executable, "infra.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for code in ("unknown-kind", "unknown-argument", "program-raised"):
        assert f"error[{code}]" in done.stderr


def test_run_as_a_script_with_mistakes_it_fails(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(START + "Databases.KeyValue('a', kye=1)\nprint('end')\n")
    done = subprocess.run([sys.executable, "infra.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == "end\n"
    assert "error[unknown-argument]" in done.stderr
    assert "klotho up" not in done.stderr


def test_importing_klotho_loads_nothing_else() -> None:
    script = "import sys; import klotho; print(sorted(name for name in sys.modules if name.startswith('klotho')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['klotho']"


def test_a_large_program_is_read_in_linear_time(run_program: RunProgram) -> None:
    lines = [f"c{i} = Compute.Container('c{i}', context='c{i}'); c{i}.reads_from(t)" for i in range(500)]
    application, report = run_program(START + "t = Databases.KeyValue('t')\n" + "\n".join(lines))
    assert not report.diagnostics
    assert application is not None
    assert to_json(application)["relationships"][499]["span"]["line"] == 504


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("d = Databases.KeyValue('d', ky=1)", (29, 31)),
        ("d = Databases.KeyValue('d', ttl=5)", (33, 34)),
        ("d = Databases.KeyValue('d', **{'ttl': 5})", (5, 42)),
        ("x = getattr(Databases.KeyValue('d'), 'nothing')", (5, 48)),
        ("x = [Databases.KeyValue('d').nothing for i in '1']", (30, 37)),
        ("x = (lambda: Databases.KeyValue('d').nothing)()", (38, 45)),
    ],
)
def test_a_mistake_is_marked_where_it_was_written(run_program: RunProgram, line: str, columns: tuple[int, int]) -> None:
    _, report = run_program(START + line + "\n")
    [diagnostic] = report.errors
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column, diagnostic.span.end_column) == (4, *columns)
