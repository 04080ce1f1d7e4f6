"""Publishing at the end of a deployment: who waits, who is told that another one was faster, what is worth writing."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.deploy.outcome import Deployment
from klotho.diagnostics import Failure, ProgramError
from klotho.driver import leases, projects
from klotho.driver.build import Build, build
from klotho.driver.change import Change
from klotho.driver.origin import origin_of, repository_name
from klotho.driver.program import find_program
from klotho.registry import Entry
from tests.unit.registry.applications import application, construct, news

PROGRAM = """
import klotho

klotho.Application("shop", project="acme")
bucket = klotho.Storage.Bucket(name="files")
"""
DOMAIN = """
work = klotho.Compute.Function(name="work", handler="work.handler")
api = klotho.API(name="api")
api.attach_service(work, route="/work")
klotho.Domain("acme.example", exposes=api)
"""
RIVAL = application("rival", construct("Domain", "acme.example", 7))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work.py").write_text("def handler(event, context):\n    return {}\n")
    return tmp_path


def built(folder: Path, text: str) -> Build:
    (folder / "infra.py").write_text(text)
    return build(find_program(folder), None)


def publish(one: Build, before: projects.Standing, outputs: Mapping[str, str] | None = None) -> Entry | None:
    with Change(one.environment, "acme", "shop", "klotho up", lambda event: None) as change:
        return projects.publish(one, before, Deployment(()), outputs or {}, change)


def test_only_what_says_more_than_the_published_entry_is_written(folder: Path) -> None:
    one = built(folder, PROGRAM)
    assert publish(one, projects.standing(one, None)) is not None
    assert projects.standing(one, None).etags is None, "the published model fits, nobody else is asked"
    assert publish(one, projects.standing(one, None)) is None
    assert publish(one, projects.standing(one, None), {"files.name": "b"}) is not None
    changed = built(folder, PROGRAM + DOMAIN)
    entry = publish(changed, projects.standing(changed, None), {"files.name": "b"})
    assert entry is not None
    assert [len(entry.history), entry.latest.who] == [3, leases.user_name()]


def test_of_two_that_claim_one_domain_at_once_the_slower_one_is_told_and_not_published(folder: Path) -> None:
    one = built(folder, PROGRAM + DOMAIN)
    before = projects.standing(one, None)
    before.registry.publish(news(RIVAL))
    with pytest.raises(ProgramError) as caught:
        publish(one, before)
    (told,) = caught.value.diagnostics
    assert told.code == "domain-claimed-twice"
    assert told.notes[-1] == "it is deployed, and not published: another one was faster"
    assert before.registry.read("shop") is None


def test_breaking_others_takes_all_their_names_and_is_published_with_them(folder: Path) -> None:
    one = built(folder, PROGRAM)
    assert publish(one, projects.standing(one, None)) is not None
    registry = projects.standing(one, None).registry
    for name in ("mail", "rival"):
        registry.publish(news(application(name, construct("Storage.Bucket", "files", 7, from_project=True))))
    other = built(folder, PROGRAM.replace('"files"', '"papers"'))
    for agreed, missing in (((), ("mail", "rival")), (("rival",), ("mail",)), (("shop",), ("mail", "rival"))):
        with pytest.raises(projects.BreakingNeeded) as caught:
            projects.standing(other, None, frozenset(agreed))
        assert caught.value.names == missing
    agreed = projects.standing(other, None, frozenset({"mail", "rival"}))
    registry.publish(news(application("another")))
    entry = publish(other, agreed)
    assert entry is not None
    assert [item.application for item in entry.latest.broke] == ["mail", "rival"], "also if it was looked at again"


def test_nobody_can_agree_to_what_is_no_change_of_theirs(folder: Path) -> None:
    one = built(folder, PROGRAM)
    assert publish(one, projects.standing(one, None)) is not None
    user = application("rival", *RIVAL.constructs, construct("Storage.Bucket", "files", 9, from_project=True))
    projects.standing(one, None).registry.publish(news(user))
    other = built(folder, PROGRAM.replace('"files"', '"papers"') + DOMAIN)
    with pytest.raises(ProgramError) as caught:
        projects.standing(other, None)
    assert not isinstance(caught.value, projects.BreakingNeeded)
    assert [item.code for item in caught.value.diagnostics] == ["domain-claimed-twice", "in-use-elsewhere"]
    with pytest.raises(ProgramError) as caught:
        projects.standing(other, None, frozenset({"rival"}))
    assert [item.code for item in caught.value.diagnostics] == ["domain-claimed-twice"]


def test_another_ones_publication_that_fits_is_no_hindrance(folder: Path) -> None:
    one = built(folder, PROGRAM)
    before = projects.standing(one, None)
    before.registry.publish(news(RIVAL))
    assert publish(one, before) is not None


def test_the_projects_lease_is_waited_for(folder: Path) -> None:
    one = built(folder, PROGRAM)
    before = projects.standing(one, None)
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with Change(one.environment, "acme", "mail", "klotho up", lambda event: None) as change, change.shared():
            holding.set()
            time.sleep(0.3)
            done.set()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(5)
    assert publish(one, before) is not None
    assert done.is_set()
    thread.join()


def test_a_lease_that_is_held_too_long_is_given_up() -> None:
    attempts: list[float] = []
    timing = leases.local_timing()

    def never() -> leases.Lease:
        attempts.append(timing.clock())
        raise Failure("locked", "held")

    with pytest.raises(Failure, match="held"):
        leases.waited_for(never, timing, 0.25, lambda line: None)
    assert len(attempts) > 2


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/kentoso/shop.git", "github.com/kentoso/shop"),
        ("https://ann:ghp_secret@github.com/kentoso/shop", "github.com/kentoso/shop"),
        ("git@github.com:kentoso/shop.git", "github.com/kentoso/shop"),
        ("ssh://git@git.example:2222/kentoso/shop.git", "git.example:2222/kentoso/shop"),
        ("/srv/git/shop.git", "/srv/git/shop"),
    ],
)
def test_a_repository_is_named_without_the_credentials_of_its_url(remote: str, name: str) -> None:
    assert repository_name(remote) == name


def test_a_folder_in_no_repository_is_its_own_origin(tmp_path: Path) -> None:
    assert origin_of(tmp_path, "aws").shown() == str(tmp_path)
