"""The whole suite of `chicken-auction` with every function, Python and Node, on Fargate."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.hosting import hosted
from tests.examples.test_chicken_auction import *  # noqa: F403

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]
FUNCTIONS = ("chickens", "notifier", "auctions", "bidder")


@pytest.fixture(scope="module")
def auction_house(deploy: Deploy) -> Deployment:
    return hosted(deploy, "chicken-auction", dict.fromkeys(FUNCTIONS, "fargate"))
