"""What every example compiles to: the same bytes each time. Linters judge it in tests/gates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.deployment import EXAMPLES

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/infra.py"))


Build = Callable[..., Path]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """`built("users", hash_seed="1")`: the folder `klotho build` wrote, built once."""
    root = tmp_path_factory.mktemp("built")
    # All examples in one process: it takes longer to start than to build one.
    code = "import sys\nfrom klotho.cli.run import run\n" + "".join(
        f"run(['build', {str(EXAMPLES / name)!r}, '--out', sys.argv[1] + {name!r}]) and sys.exit({name!r})\n"
        for name in NAMES
    )

    def build(name: str, hash_seed: str = "0") -> Path:
        out = root / hash_seed
        if not out.exists():
            environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "CI": ""}
            command = [sys.executable, "-c", code, f"{out}/"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
        return out / name

    return build


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_there_are_five_examples() -> None:
    assert NAMES == ["chicken-auction", "guestbook", "multi-tier", "search-the-deck", "users"]


@pytest.mark.parametrize("name", NAMES)
def test_building_gives_the_same_bytes_whatever_the_order_of_hashes(name: str, built: Build) -> None:
    first = files_in(built(name))
    assert {"application.json", "resources.json", "cloudformation/manifest.json"} <= set(first)
    for seed in ("1", "random"):
        assert files_in(built(name, seed)) == first


def statements(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every IAM statement with the logical id of the policy it stands in."""
    for template in sorted((folder / "cloudformation").glob("*.template.json")):
        for logical_id, resource in json.loads(template.read_text(encoding="utf-8"))["Resources"].items():
            if resource["Type"] == "AWS::IAM::RolePolicy":
                for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                    yield logical_id, statement


@pytest.mark.parametrize("name", NAMES)
def test_no_permission_has_a_wildcard_where_aws_takes_a_resource(name: str, built: Build) -> None:
    found = list(statements(built(name)))
    assert found
    for logical_id, statement in found:
        assert not [action for action in statement["Action"] if "*" in action], logical_id
        if "*" in statement["Resource"]:
            # AWS's service authorization reference: these take no resource, or only some of them do.
            services = {action.partition(":")[0] for action in statement["Action"]}
            assert services == {"ec2"} or statement["Action"] == ["ecr:GetAuthorizationToken"], logical_id


def test_the_auction_s_functions_may_do_what_the_program_says_and_nothing_else(built: Build) -> None:
    """Each may keep what it fails on: another repository of the project may call it without waiting."""
    granted = {
        (logical_id.removesuffix("FunctionRolePolicy").lower(), statement["Sid"])
        for logical_id, statement in statements(built("chicken-auction"))
    }
    assert granted == {
        ("chickens", "ReadChickensDb"),
        ("chickens", "WriteChickensDb"),
        ("chickens", "WriteSubscriptionsDb"),
        ("chickens", "WriteLogs"),
        ("chickens", "KeepFailedEvents"),
        ("auctions", "ReadAuctionsDb"),
        ("auctions", "WriteAuctionsDb"),
        ("auctions", "ReadChickensDb"),
        ("auctions", "SendToBids"),
        ("auctions", "PublishToBegun"),
        ("auctions", "WriteLogs"),
        ("auctions", "KeepFailedEvents"),
        ("bidder", "PollBids"),
        ("bidder", "WriteAuctionsDb"),
        ("bidder", "WriteLogs"),
        ("bidder", "KeepFailedEvents"),
        ("notifier", "ReadSubscriptionsDb"),
        ("notifier", "WriteNoticesDb"),
        ("notifier", "WriteLogs"),
        ("notifier", "KeepFailedEvents"),
    }
