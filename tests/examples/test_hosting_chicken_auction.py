"""The suite of `chicken-auction` with every function, Python and Node, on Fargate."""

from __future__ import annotations

import json

import pytest

from tests.examples import test_chicken_auction
from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.hosting import hosted

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]
FUNCTIONS = ("chickens", "notifier", "auctions", "bidder")
_LEFT_OUT = {
    # A request of a connection that is open may still be answered by the task before, for as long as that drains.
    "test_what_goes_wrong_inside_is_for_the_log_and_not_for_the_caller",
    # The same waits as under Lambda, half a minute and a restart of everything.
    "test_a_bid_that_cant_be_handled_is_kept_aside_and_holds_up_nobody",
    "test_chickens_and_auctions_outlive_down_and_up",
}
globals().update(
    {
        name: item
        for name, item in vars(test_chicken_auction).items()
        if name == "api" or (name.startswith("test_") and name not in _LEFT_OUT)
    }
)


@pytest.fixture(scope="module")
def auction_house(deploy: Deploy) -> Deployment:
    return hosted(deploy, "chicken-auction", dict.fromkeys(FUNCTIONS, "fargate"))


def test_no_function_of_lambda_is_left(auction_house: Deployment) -> None:
    units = json.loads(auction_house.klotho("status", "--json").stdout)["units"]
    assert {unit["name"].rpartition("/")[2] for unit in units} >= set(FUNCTIONS)
    assert "function" not in {unit["kind"] for unit in units}
