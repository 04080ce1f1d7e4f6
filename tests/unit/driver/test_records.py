"""Whose an application is, and who it is when its program can't say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.diagnostics import ExitCode, Failure, ProgramError
from klotho.driver import records
from klotho.driver.identity import Where, identify
from klotho.driver.records import Record
from klotho.localcloud import connect


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CI", raising=False)


def keep(folder: Path, application: str = "shop", project: str = "acme", environment: str = "local") -> Record:
    connect.state_folder(project, environment).mkdir(parents=True, exist_ok=True)
    record = Record(
        application, project, environment, "eu-west-1", str(folder / "infra.py"),
        (("web.url", "web", "Url"),), {"visits-keyvalue": ("visits",)}, {"/group": "hello"},
    )  # fmt: skip
    records.write(record)
    return record


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    record = keep(tmp_path, application="sh/../op..")
    assert records.read("acme", "local", "sh/../op..") == record
    assert records.of_cloud("acme", "local") == records.known() == [record]
    records.remove("acme", "local", "sh/../op..")
    assert records.known() == []


@given(st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b'{"application": 1}', b"null", b'"x"']))
def test_a_file_that_is_no_record_counts_as_none(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", home)
        record = keep(Path(home))
        (path,) = Path(home).rglob("programs/*.json")
        path.write_bytes(content)
        assert records.read(record.project, record.environment, record.application) is None
        assert records.known() == []


def test_another_folders_application_is_refused_while_its_program_is_there(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    record = keep(a)
    (a / "infra.py").write_text("")
    assert records.refuse_elsewhere(None, b, take_over=False) is None
    assert records.refuse_elsewhere(record, a, take_over=False) is None
    with pytest.raises(Failure) as caught:
        records.refuse_elsewhere(record, b, take_over=False)
    assert caught.value.diagnostic.code == "application-elsewhere"
    assert "taking over" in (records.refuse_elsewhere(record, b, take_over=True) or "")
    (a / "infra.py").unlink()
    assert str(a) in (records.refuse_elsewhere(record, b, take_over=False) or "")


@pytest.mark.parametrize(
    ("beside", "names"),
    [
        ("infra.py", ("`app:` or `project:` in klotho.yaml", "klotho.Application(")),
        ("go.mod", ("`app:` or `project:` in klotho.yaml", "package.json, pyproject.toml, go.mod or .csproj")),
    ],
)
def test_another_folders_application_is_told_where_this_ones_name_can_be_changed(
    tmp_path: Path, beside: str, names: tuple[str, ...]
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for folder in (a, b):
        folder.mkdir()
        (folder / beside).write_text("")
    record = keep(a) if beside == "infra.py" else Record("shop", "acme", "local", "eu-west-1", str(a))
    with pytest.raises(Failure) as caught:
        records.refuse_elsewhere(record, b, take_over=False)
    first = caught.value.diagnostic.helps[0]
    assert all(name in first for name in names)
    assert ("klotho.Application" in first) is (beside == "infra.py")


def test_a_folder_without_its_program_is_known_by_its_record(tmp_path: Path) -> None:
    keep(tmp_path)
    found = identify(Where(tmp_path / "infra.py"), None)
    assert (found.application, found.project, found.environment.name) == ("shop", "acme", "local")
    assert (found.environment.region, found.program) == ("eu-west-1", None)
    assert found.notice is not None and "shop" in found.notice
    (tmp_path / "klotho.yaml").write_text("environments:\n  local:\n    protect: true\n")
    assert identify(Where(tmp_path / "infra.py"), None).environment.protect


def test_several_applications_of_one_folder_must_be_named(tmp_path: Path) -> None:
    keep(tmp_path)
    keep(tmp_path, application="store")
    with pytest.raises(Failure) as caught:
        identify(Where(tmp_path), None)
    assert (caught.value.diagnostic.code, caught.value.exit_code) == ("application-ambiguous", ExitCode.USAGE)
    assert identify(Where(tmp_path, application="store"), None).project == "acme"
    keep(tmp_path, application="store", project="globex")
    with pytest.raises(Failure) as caught:
        identify(Where(tmp_path, application="store"), None)
    assert "`acme` and `globex`" in caught.value.diagnostic.message
    assert identify(Where(tmp_path, application="store", project="globex"), None).project == "globex"


def test_without_a_record_the_programs_own_mistakes_are_shown_with_what_else_to_do(tmp_path: Path) -> None:
    with pytest.raises(Failure) as missing:
        identify(Where(tmp_path, "klotho logs --program"), None)
    assert "name what was brought up: `klotho logs --app NAME`" in missing.value.diagnostic.helps
    (tmp_path / "infra.py").write_text("def broken(:\n")
    with pytest.raises(ProgramError) as broken:
        identify(Where(tmp_path, "klotho down"), None)
    assert "name what was brought up: `klotho down --app NAME`" in broken.value.diagnostics[-1].helps


def test_a_project_alone_names_nothing(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        identify(Where(tmp_path, project="acme"), None)
    assert caught.value.exit_code is ExitCode.USAGE


def test_under_ci_a_record_does_not_stand_for_naming_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(Failure) as caught:
        identify(Where(tmp_path), None)
    assert caught.value.diagnostic.code == "environment-not-named"
    assert identify(Where(tmp_path), "local").application == "shop"
