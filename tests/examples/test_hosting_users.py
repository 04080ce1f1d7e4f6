"""The suite of `users` under every hosting of a container."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.hosting import CONTAINERS, hosted
from tests.examples.test_users import (  # noqa: F401
    api,
    test_a_user_is_created_listed_read_changed_and_deleted,
    test_an_address_that_is_taken_is_refused,
    test_an_unknown_user_and_an_unknown_page_are_not_found,
    test_what_is_no_user_is_refused,
)

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", params=CONTAINERS)
def users(request: pytest.FixtureRequest, deploy: Deploy) -> Deployment:
    return hosted(deploy, "users", {"users": request.param})
