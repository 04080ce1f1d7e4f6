"""The suite of `multi-tier` on everything that it can run on: Lambda, Fargate, Spot, and Kubernetes."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.hosting import hosted
from tests.examples.test_multi_tier import (  # noqa: F401
    api,
    test_a_function_gets_the_parameter_of_its_path,
    test_a_function_reports_from_the_database,
    test_a_receipt_of_no_order_is_not_found,
    test_an_order_is_priced_by_grpc_with_the_discount_a_function_gives,
    test_an_order_is_printed_by_a_service_that_asks_back,
    test_an_unknown_order_is_not_found,
    test_an_unknown_page_is_not_found,
    test_the_service_called_by_grpc_answers_http_as_well,
    test_what_is_not_sold_is_not_found_through_grpc,
)

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


HOSTINGS = {
    "a container on Lambda, functions on Fargate": {
        "receipts": "lambda-container",
        "report": "fargate",
        "discount": "fargate",
    },
    "containers on Kubernetes, functions with a layer and as an image": {
        "orders": "eks",
        "pricing": "eks",
        "receipts": "eks",
        "report": "lambda-layer",
        "discount": "lambda-image",
    },
}


@pytest.fixture(scope="module", params=HOSTINGS.values(), ids=HOSTINGS.keys())
def shop(request: pytest.FixtureRequest, deploy: Deploy) -> Deployment:
    return hosted(deploy, "multi-tier", request.param)
