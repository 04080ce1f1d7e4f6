"""`klotho env`: what klotho.yaml says of environments, and how a command writes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run, codes

FILE = """\
# ours
app: shop # stays
environments:
  # for everybody
  pr:
    target: aws
    per: branch
    ttl: 3d
"""


def test_set_changes_its_keys_and_leaves_the_rest_of_the_file_alone(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text(FILE)
    done = klotho("env", "set", "prod", "--target", "aws", "--region", "eu-central-1", "--account", "012345678901")
    assert (done.returncode, done.stderr) == (0, "prod: target aws, region eu-central-1, account 012345678901\n")
    assert (shop / "klotho.yaml").read_text() == FILE + (
        "  prod:\n    target: aws\n    region: eu-central-1\n    account: '012345678901'\n"
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--target", "azure"), "settings-value"),
        (("--region", "eu-central-1"), "settings-target-missing"),
        (("--target", "aws", "--ttl", "soon"), "settings-value"),
        (("--target", "local", "--account", "012345678901"), "settings-value"),
        ((), "usage"),
    ],
)
def test_what_the_file_could_not_say_is_not_written(klotho: Run, shop: Path, given: tuple[str, ...], code: str) -> None:
    (shop / "klotho.yaml").write_text(FILE)
    done = klotho("env", "set", "prod", *given, "--json")
    assert done.returncode != 0 and code in codes(done)
    assert (shop / "klotho.yaml").read_text() == FILE


def test_what_is_refused_points_at_no_line_of_a_file_that_was_not_written(klotho: Run, shop: Path) -> None:
    done = klotho("env", "set", "bad name", "--target", "aws")
    assert (done.returncode, "-->" in done.stderr, "no name an environment can have" in done.stderr) == (1, False, True)
    assert klotho("env", "set", "prod", "--target", "aws", "--protect").stderr == "prod: target aws, protect true\n"


def test_ls_shows_each_environment_and_asks_no_account(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text(FILE)
    found = {item["name"]: item for item in json.loads(klotho("env", "ls", "--json").stdout)["environments"]}
    assert (found["local"]["state"], found["pr"]["state"]) == ("absent", "on AWS")
    assert (found["pr"]["per"], found["pr"]["ttl_seconds"]) == ("branch", 259_200)


def test_an_environment_that_stays_is_not_removed_by_one_word(klotho: Run, shop: Path) -> None:
    (shop / "klotho.yaml").write_text("environments:\n  prod: {target: aws}\n")
    done = klotho("env", "rm", "prod", "--yes", "--json")
    assert (done.returncode, codes(done)) == (1, ["environment-lasting"])
