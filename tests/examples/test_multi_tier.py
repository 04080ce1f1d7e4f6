"""The multi-tier example: calls between services by HTTP, gRPC and invocation, and what happens when one breaks."""

from __future__ import annotations

import shutil

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Client, Deployment, replaced

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


DIES = 'console.log("the oven is cold"); console.error("no yeast"); process.exit(3);'


@pytest.fixture(scope="module")
def shop(deploy: Deploy) -> Deployment:
    deployment = deploy("multi-tier")
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def api(shop: Deployment) -> Client:
    return shop.client("shop")


def ordered(api: Client, item: str, quantity: int) -> dict[str, object]:
    answer = api.post("/orders", {"item": item, "quantity": quantity})
    assert answer.status == 201, answer.text
    return dict(answer.json)


def test_an_order_is_priced_by_grpc_with_the_discount_a_function_gives(api: Client) -> None:
    order = ordered(api, "tea", 2)
    assert order == {"id": order["id"], "item": "tea", "quantity": 2, "cents": 450}, "two teas less ten percent"
    assert api.get(f"/orders/{order['id']}").json == order


def test_what_is_not_sold_is_not_found_through_grpc(api: Client) -> None:
    answer = api.post("/orders", {"item": "gold", "quantity": 1})
    assert (answer.status, answer.json) == (404, {"message": "gold is not sold here"})


def test_an_unknown_order_is_not_found(api: Client) -> None:
    answer = api.get("/orders/999999")
    assert (answer.status, answer.json) == (404, {"message": "no such order"})


def test_an_order_is_printed_by_a_service_that_asks_back(api: Client) -> None:
    order = ordered(api, "cake", 3)
    answer = api.get(f"/orders/{order['id']}/print")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "3 x cake".ljust(30) + "11.34".rjust(8) + " EUR\n"
    assert api.get(f"/receipts/{order['id']}").text == answer.text, "the same service behind a route of its own"


def test_a_receipt_of_no_order_is_not_found(api: Client) -> None:
    for path in ("/orders/999999/print", "/receipts/999999"):
        answer = api.get(path)
        assert (answer.status, answer.text) == (404, "no receipt: no such order\n")
    assert api.get("/receipts").text == "no such page\n"


def test_the_service_called_by_grpc_answers_http_as_well(api: Client) -> None:
    assert api.get("/prices").json == {"prices": {"tea": 250, "coffee": 300, "cake": 420}}
    assert api.get("/prices/coffee").json == {"cents": 270}
    answer = api.get("/prices/gold")
    assert (answer.status, answer.json) == (404, {"message": "gold is not sold here"})


def test_a_function_gets_the_parameter_of_its_path(api: Client) -> None:
    assert api.get("/discounts/friends").json == {"code": "friends", "percent": 25}
    answer = api.get("/discounts/nobody")
    assert (answer.status, answer.json) == (404, {"message": "no such discount"})
    assert api.call("POST", "/discounts/friends").status == 404, "only GET is attached"


def test_a_function_reports_from_the_database(api: Client) -> None:
    before = {row["item"]: row for row in api.get("/report").json["sold"]}
    ordered(api, "coffee", 4)
    after = {row["item"]: row for row in api.get("/report").json["sold"]}
    old = before.get("coffee", {"quantity": 0, "cents": 0})
    assert after["coffee"] == {"item": "coffee", "quantity": old["quantity"] + 4, "cents": old["cents"] + 1080}
    assert {**after, "coffee": old} == {**before, "coffee": old}


def test_an_unknown_page_is_not_found(api: Client) -> None:
    answer = api.get("/nothing")
    assert (answer.status, answer.json) == (404, {"message": "Not Found"})


def test_a_function_that_throws_answers_500_and_its_error_is_in_the_logs(shop: Deployment, api: Client) -> None:
    source = shop.folder / "functions" / "discount.mjs"
    thrown = 'if (event.pathParameters.code === "bug") throw new RangeError("no yeast");'
    with replaced(source, "const { code }", f"{thrown} const {{ code }}"):
        results = shop.up()
        assert {name: result for name, result in results.items() if result != "unchanged"} == {
            "discount-function": "updated"
        }, "the code of one function is one stack"
        answer = api.get("/discounts/bug")
        assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})
        logs = shop.logs("discount")
        assert "RangeError" in logs
        assert "no yeast" in logs
        assert api.get("/discounts/today").status == 200, "the function goes on"
    shop.up()


def test_a_container_that_dies_at_start_is_named_and_everything_else_goes_on(shop: Deployment, api: Client) -> None:
    order = ordered(api, "tea", 1)
    with replaced(shop.folder / "receipts" / "main.mjs", "async function receipt", f"{DIES} async function receipt"):
        said = shop.klotho("up", "--yes", exit_code=4).stderr
        assert "error[stack-failed]" in said
        assert "`receipts`" in said
        assert "infra.py:12" in said
        assert "exit code 3" in said
        assert "the oven is cold" in said
        assert "no yeast" in said
        assert api.get(f"/orders/{order['id']}").json == order
        assert api.get("/prices/tea").json == {"cents": 225}
        assert api.get("/report").status == 200
        assert ordered(api, "cake", 1)["cents"] == 378
        assert api.get(f"/receipts/{order['id']}").status == 200, "rolled back to the one that ran before"
    assert "failed" not in shop.up().values()
    assert api.get(f"/orders/{order['id']}/print").status == 200


def test_a_new_container_that_dies_at_start_leaves_nothing_behind(shop: Deployment, api: Client) -> None:
    shutil.copytree(shop.folder / "receipts", shop.folder / "bakery")
    (shop.folder / "bakery" / "main.mjs").write_text(f"{DIES}\n", encoding="utf-8")
    route = 'api.attach_service(orders, route="/orders")'
    more = f'bakery = Compute.Container(context="./bakery")\napi.attach_service(bakery, route="/bakery")\n{route}'
    with replaced(shop.folder / "infra.py", route, more):
        said = shop.klotho("up", "--yes", exit_code=4).stderr
        assert "`bakery`" in said
        assert "no yeast" in said
        assert api.get("/prices/tea").json == {"cents": 225}
        assert api.get("/report").status == 200
        assert api.get("/bakery").status == 404
    shop.up()
    status = shop.klotho("status", "--json").stdout
    assert "bakery" not in status
    assert api.get("/prices/tea").json == {"cents": 225}
