"""Examples on other databases than they come with, by `use:` in klotho.yaml: the same suites, and no line of code."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Client, Deployment, replaced
from tests.examples.test_chicken_auction import (  # noqa: F401 - run here, too, on this module's deployments
    test_a_bid_is_taken_and_shown_with_its_bidder,
    test_an_alert_is_kept_once_in_a_table_of_its_own_and_never_shown_with_the_chicken,
    test_chickens_come_by_breed_whatever_its_case_and_auctions_by_time,
)
from tests.examples.test_users import (  # noqa: F401
    created,
    test_a_user_is_created_listed_read_changed_and_deleted,
    test_an_address_that_is_taken_is_refused,
    test_data_outlive_down_and_up,
    test_the_password_of_the_database_is_nowhere_but_where_it_is_kept,
)

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]
AUCTION = "chicken_auction"


def pinned(deploy: Deploy, example: str, **pins: str) -> Deployment:
    deployment = deploy(example)
    lines = [f"  {name}: {{use: {pin}}}\n" for name, pin in pins.items()]
    settings = deployment.folder / "klotho.yaml"
    settings.write_text(settings.read_text() + "constructs:\n" + "".join(lines))
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def users(deploy: Deploy) -> Deployment:
    return pinned(deploy, "users", users_db="aurora-serverless")


@pytest.fixture(scope="module")
def auction_house(deploy: Deploy) -> Deployment:
    tables = ("chickens_db", "auctions_db", "subscriptions_db", "notices_db")
    return pinned(deploy, "chicken-auction", **dict.fromkeys(tables, "dynamodb-provisioned"))


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Client:
    """Of the example that the test is of."""
    if request.function.__module__.endswith(AUCTION):
        return request.getfixturevalue("auction_house").client("auction-api")  # type: ignore[no-any-return]
    return request.getfixturevalue("users").client("users-api")  # type: ignore[no-any-return]


def test_from_serverless_to_instances_of_a_fixed_size_nothing_is_lost(users: Deployment, api: Client) -> None:
    user = created(api, "frances")
    with replaced(users.folder / "klotho.yaml", "use: aurora-serverless", "use: aurora"):
        assert "updated" in users.up().values()
        assert Client(users.url("users-api")).get(f"/users/{user['id']}").json == user
