"""Whole pages of `klotho explain` about the users example. `pytest --bless`, then read the difference as prose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klotho.cli.explain_page import Depth
from tests.conftest import CompareGolden

PAGES = Path(__file__).parent / "explain"
EXAMPLE = Path(__file__).parents[2] / "examples" / "users"
QUESTIONS: dict[str, tuple[str, Depth]] = {
    "container": ("users", "default"),
    "container-short": ("users", "short"),
    "database": ("Databases.Postgres/users_db", "default"),
    "role": ("users.task-role", "default"),
    "permissions": ("UsersTaskRolePolicy", "default"),
    "permissions-whole": ("UsersTaskRolePolicy", "verbose"),
    "one-permission": ("UsersTaskRolePolicy.PolicyDocument.Statement.LoginToUsersDb", "short"),
    "firewall-rule": ("UsersReachesPostgresUsersDb543274d7fa", "default"),
    "network": ("Vpc", "default"),
    "copies": ("users.DesiredCount", "default"),
    "default": ("UsersDbDatabase.MultiAZ", "default"),
    "kept-data": ("UsersDbDatabase.DeletionPolicy", "default"),
    "environment-variable": (
        "UsersTaskDefinition.ContainerDefinitions.main.Environment.KLOTHO_DATASTORE_USERS_DB",
        "short",
    ),
    "type": ("AWS::IAM::Role", "default"),
    "stack": ("users-container", "short"),
    "output": ("users-api.url", "default"),
}


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other applications of the project claim is on this machine, and none of the page's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("own_folders")
def test_every_command_of_the_documentation_explains_something(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from klotho.cli.run import run

    monkeypatch.chdir(EXAMPLE)
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
    commands = re.findall(r"^klotho (explain .+?)(?: +#.*)?$", page, re.MULTILINE)
    assert len(commands) > 12
    for command in commands:
        assert run(command.split()) == 0, command
        assert capsys.readouterr().out, command


@pytest.mark.usefixtures("own_folders")
@pytest.mark.parametrize("page", QUESTIONS)
def test_page(page: str, golden: CompareGolden, capsys: pytest.CaptureFixture[str]) -> None:
    from klotho.cli.commands.explain import run

    topic, depth = QUESTIONS[page]
    run(topic, EXAMPLE, None, depth)
    golden(PAGES / f"{page}.txt", capsys.readouterr().out)
