"""Several programs as one release: found, put in order, compared with each other, and what follows from a failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klotho.deploy.outcome import Deployment, StackOutcome
from klotho.diagnostics import ExitCode, Failure, ProgramError
from klotho.driver.deployment import UpResult
from klotho.driver.release import Part, planned, programs_at, programs_below, refuse_misfits, release

PROGRAM = """
import klotho
from klotho import Compute, Messaging

klotho.Application("NAME", project="acme")
MORE
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CI", raising=False)


def write(folder: Path, name: str, *lines: str) -> Path:
    (folder / name).mkdir(parents=True, exist_ok=True)
    text = PROGRAM.replace("NAME", name.rpartition("/")[2]).replace("MORE", "\n".join(lines))
    (folder / name / "infra.py").write_text(text)
    return folder / name / "infra.py"


def defines(name: str) -> str:
    return f'Messaging.Queue(name="{name}")'


def uses(name: str) -> str:
    return f'Messaging.Queue(name="{name}", from_project=True)'


def parts_of(folder: Path) -> list[Part]:
    return planned(programs_at([folder], "klotho project up"), None)


def test_every_program_below_a_folder_is_found_and_none_of_packages(tmp_path: Path) -> None:
    wanted = [write(tmp_path, f"repo/{name}", defines("jobs")) for name in ("a", "services/b")]
    write(tmp_path, "repo/node_modules/c")
    write(tmp_path, "repo/.hidden/d")
    assert programs_below(tmp_path / "repo") == wanted


def test_whoever_defines_something_comes_before_whoever_uses_it(tmp_path: Path) -> None:
    write(tmp_path, "repo/a", uses("jobs"), uses("mails"))
    write(tmp_path, "repo/b", defines("mails"), uses("jobs"))
    write(tmp_path, "repo/c", defines("jobs"))
    write(tmp_path, "repo/d", defines("own"))
    assert [part.name for part in parts_of(tmp_path / "repo")] == ["c", "d", "b", "a"]
    assert parts_of(tmp_path / "repo")[-1].waits_for == ("b", "c")


def test_applications_that_wait_for_each_other_are_refused_with_their_lines(tmp_path: Path) -> None:
    write(tmp_path, "repo/a", defines("jobs"), uses("mails"))
    write(tmp_path, "repo/b", defines("mails"), uses("jobs"))
    with pytest.raises(Failure) as refused:
        parts_of(tmp_path / "repo")
    said = refused.value.diagnostic
    assert (said.code, said.message) == ("release-circle", "`a` and `b` wait for each other")
    assert any("repo/a/infra.py:7" in note for note in said.notes)
    assert any("repo/b/infra.py:7" in note for note in said.notes)


def test_two_programs_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("repo/a", "repo/copy/a"):
        write(tmp_path, name, defines("jobs"))
    with pytest.raises(Failure, match="two programs are the application `a`"):
        parts_of(tmp_path / "repo")


def test_programs_are_compared_with_each_other_as_they_are_now(tmp_path: Path) -> None:
    write(tmp_path, "repo/a", defines("jobs"))
    write(tmp_path, "repo/b", defines("jobs"))
    write(tmp_path, "repo/c", uses("jobs"))
    with pytest.raises(ProgramError) as refused:
        refuse_misfits(planned(programs_at([tmp_path / "repo"], "klotho project up"), None))
    assert {item.code for item in refused.value.diagnostics} == {"duplicate-definition"}


def test_what_needs_one_that_failed_is_skipped_and_the_others_go_on(tmp_path: Path) -> None:
    write(tmp_path, "repo/a", defines("jobs"))
    write(tmp_path, "repo/b", uses("jobs"), defines("mails"))
    write(tmp_path, "repo/c", uses("mails"))
    write(tmp_path, "repo/d", defines("own"))
    commands: set[str] = set()

    def bring_up(part: Part, command: str) -> UpResult:
        commands.add(command)
        if part.name == "a":
            raise Failure("boom", "it failed", exit_code=ExitCode.RESOURCE_FAILED)
        return done("created")

    found = {item.part.name: item for item in release(parts_of(tmp_path / "repo"), bring_up)}
    assert found["a"].failure is not None
    assert (found["b"].skipped_for, found["c"].skipped_for) == ("a", "a")
    assert found["d"].ok
    assert len(commands) == 1


def test_nothing_begins_once_the_user_has_asked_to_stop(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, f"repo/{name}", defines(name))
    found = list(release(parts_of(tmp_path / "repo"), lambda part, command: done("cancelled", drained=True)))
    assert [item.part.name for item in found] == ["a"]
    assert not found[0].ok


def done(result: Any, *, drained: bool = False) -> UpResult:
    return UpResult(cast(Any, SimpleNamespace()), Deployment((StackOutcome("a", result),), drained))
