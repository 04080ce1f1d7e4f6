"""The chicken auction's contract: nine endpoints, their errors, bids at the same time, and what must not leak."""

from __future__ import annotations

import datetime
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Answer, Client, Deployment, replaced

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

HEN = {"breed": "Ayam Cemani", "color": "black", "sex": "female", "hatchDate": "2024-02-29"}
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
"""A well-formed id that nothing has."""


@pytest.fixture(scope="module")
def auction_house(deploy: Deploy) -> Deployment:
    deployment = deploy("chicken-auction")
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def api(auction_house: Deployment) -> Client:
    return auction_house.client("auction-api")


def created(answer: Answer) -> str:
    assert answer.status == 201, answer.text
    assert list(answer.json) == ["id"]
    assert ULID.fullmatch(answer.json["id"])
    return str(answer.json["id"])


def new_chicken(api: Client, **changes: Any) -> str:
    return created(api.post("/chickens", {**HEN, **changes}))


def new_auction(api: Client, status: str = "in progress", starting_price: float = 10) -> str:
    body = {"chickenId": new_chicken(api), "startingPrice": starting_price, "status": status}
    return created(api.post("/auctions", body))


def bid(api: Client, auction: str, amount: object, user: str = "ada") -> Answer:
    return api.post(f"/auctions/{auction}/bids", {"bid": amount}, {"userId": user})


def price(api: Client, auction: str, expected: dict[str, Any] | None, seconds: float = 20) -> None:
    """Waits until the auction's bid is the expected one: bids are queued."""
    deadline = time.monotonic() + seconds
    while (found := api.get(f"/auctions/{auction}").json.get("currentBid")) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def problem(answer: Answer, status: int) -> str:
    """The message of an error answer, which holds nothing else."""
    assert answer.status == status, answer.text
    assert list(answer.json) == ["message"]
    assert isinstance(answer.json["message"], str)
    return str(answer.json["message"])


# The nine endpoints, when all is well.


def test_a_chicken_is_created(api: Client) -> None:
    created(api.post("/chickens", HEN))
    created(api.post("/chickens", {key: HEN[key] for key in ("breed", "color", "sex")}))


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/octet-stream", "text/plain"])
def test_a_body_is_read_as_json_whatever_the_caller_calls_it(api: Client, kind: str) -> None:
    headers = {"content-type": kind}  # API Gateway hands over in base64 what it does not take for text
    hen = created(api.post("/chickens", HEN, headers))
    created(api.post("/auctions", {"chickenId": hen, "startingPrice": 1, "status": "pending"}, headers))


def test_chickens_are_listed_with_id_breed_and_sex(api: Client) -> None:
    hen = new_chicken(api)
    answer = api.get("/chickens")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert {"id": hen, "breed": "Ayam Cemani", "sex": "female"} in answer.json["items"]


def test_a_chicken_is_shown_with_and_without_hatch_date(api: Client) -> None:
    hen = new_chicken(api)
    assert api.get(f"/chickens/{hen}").json == {"id": hen, **HEN}
    plain = {"breed": "Ørland «ærfugl» 🐔", "color": "white", "sex": "male"}
    cock = created(api.post("/chickens", plain))
    assert api.get(f"/chickens/{cock}").json == {"id": cock, **plain}


def test_an_alert_is_kept_once_in_a_table_of_its_own_and_never_shown_with_the_chicken(
    auction_house: Deployment, api: Client
) -> None:
    hen = new_chicken(api)
    for _ in range(2):
        answer = api.post(f"/chickens/{hen}/alerts", {"email": "bob@example.com"})
        assert (answer.status, answer.text) == (204, "")
    where = auction_house.supervisor
    tables = boto3.client(
        "dynamodb",
        endpoint_url=where["endpoint_url"],
        region_name=where["region"],
        aws_access_key_id=where["access_key"],
        aws_secret_access_key=where["secret_key"],
    )
    found = tables.scan(TableName=auction_house.klotho("outputs", "subscriptions_db.table").stdout.strip())["Items"]
    assert found == [{"chicken_id": {"S": hen}, "email": {"S": "bob@example.com"}}]
    assert set(api.get(f"/chickens/{hen}").json) == {"id", "breed", "color", "sex", "hatchDate"}
    listed = api.get("/chickens")
    assert {frozenset(item) for item in listed.json["items"]} == {frozenset(("id", "breed", "sex"))}
    assert "bob@example.com" not in listed.text


def test_an_auction_is_created(api: Client) -> None:
    new_auction(api, "pending", 1)


def test_auctions_are_listed(api: Client) -> None:
    auction = new_auction(api)
    answer = api.get("/auctions")
    assert answer.status == 200
    (found,) = [item for item in answer.json["items"] if item["id"] == auction]
    assert found["status"] == "in progress"
    assert ULID.fullmatch(found["chickenId"])


def test_an_auction_is_shown_with_the_time_its_id_tells(api: Client) -> None:
    before = time.time()
    hen = new_chicken(api)
    auction = created(api.post("/auctions", {"chickenId": hen, "startingPrice": 9.5, "status": "pending"}))
    shown = api.get(f"/auctions/{auction}").json
    at = datetime.datetime.fromisoformat(shown.pop("createdDate"))
    assert at.utcoffset() == datetime.timedelta(0)
    assert before - 0.001 <= at.timestamp() <= time.time()
    assert shown == {"id": auction, "chickenId": hen, "status": "pending", "startingPrice": 9.5}


def test_a_status_changes_both_ways_until_it_is_closed(api: Client) -> None:
    auction = new_auction(api, "pending")
    for status in ("in progress", "pending", "in progress", "closed"):
        answer = api.post(f"/auctions/{auction}/statuses", {"status": status})
        assert (answer.status, answer.text) == (204, "")
        assert api.get(f"/auctions/{auction}").json["status"] == status


def test_a_bid_is_taken_and_shown_with_its_bidder(api: Client) -> None:
    auction = new_auction(api, starting_price=10)
    answer = bid(api, auction, 10)
    assert (answer.status, answer.json) == (202, {"status": f"/auctions/{auction}"})
    price(api, auction, {"price": 10, "userId": "ada"})  # the starting price itself is enough for the first bid
    assert bid(api, auction, 10.01, "bob").status == 202
    price(api, auction, {"price": 10.01, "userId": "bob"})


# What is refused.

BAD_CHICKENS = [
    ({"breed": 7}, "breed"),
    ({"breed": ""}, "breed"),
    ({"color": "pink"}, "color"),
    ({"color": ["black"]}, "color"),
    ({"sex": "hen"}, "sex"),
    ({"hatchDate": "2023-02-29"}, "hatchDate"),
    ({"hatchDate": "20240229"}, "hatchDate"),
    ({"hatchDate": None}, "hatchDate"),
    ({"name": "Berta"}, "name"),
]


@pytest.mark.parametrize(("change", "named"), BAD_CHICKENS)
def test_a_chicken_that_is_none_is_refused(api: Client, change: dict[str, Any], named: str) -> None:
    assert problem(api.post("/chickens", {**HEN, **change}), 400).startswith(named)


def test_everything_wrong_with_a_chicken_is_said_at_once(api: Client) -> None:
    message = problem(api.post("/chickens", {"color": "pink", "wings": 2}), 400)
    assert [part.split()[0] for part in message.split("; ")] == ["breed", "color", "sex", "wings"]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', '{"breed": "\\ud800"}', b"\xff\xfe", "[" * 100_000])
@pytest.mark.parametrize("path", ["/chickens", "/auctions"])
def test_a_body_that_is_no_json_object_is_refused(api: Client, path: str, body: str | bytes) -> None:
    problem(api.call("POST", path, body), 400)


@pytest.mark.parametrize("id", [NOBODY, "x", "%F0%9F%90%94", "a" * 3000])
def test_an_unknown_chicken_is_not_found(api: Client, id: str) -> None:
    assert problem(api.get(f"/chickens/{id}"), 404) == "no such chicken"
    assert problem(api.post(f"/chickens/{id}/alerts", {"email": "bob@example.com"}), 404) == "no such chicken"


@pytest.mark.parametrize("body", [{}, {"email": "a@b"}, {"email": 12345}, {"email": "a" * 300}])
def test_an_alert_without_an_address_is_refused(api: Client, body: dict[str, Any]) -> None:
    assert problem(api.post(f"/chickens/{new_chicken(api)}/alerts", body), 400).startswith("email")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"chickenId": 7}, "chickenId"),
        ({"startingPrice": 0.99}, "startingPrice"),
        ({"startingPrice": "10"}, "startingPrice"),
        ({"startingPrice": True}, "startingPrice"),
        ({"status": "open"}, "status"),
    ],
)
def test_an_auction_that_is_none_is_refused(api: Client, change: dict[str, Any], named: str) -> None:
    body = {"chickenId": NOBODY, "startingPrice": 10, "status": "pending", **change}
    assert problem(api.post("/auctions", body), 400).startswith(named)


def test_an_auction_of_an_unknown_chicken_is_refused(api: Client) -> None:
    body = {"chickenId": NOBODY, "startingPrice": 10, "status": "pending"}
    assert problem(api.post("/auctions", body), 404) == "no such chicken"


@pytest.mark.parametrize("id", [NOBODY, "x"])
def test_an_unknown_auction_is_not_found(api: Client, id: str) -> None:
    assert problem(api.get(f"/auctions/{id}"), 404) == "no such auction"
    assert problem(api.post(f"/auctions/{id}/statuses", {"status": "closed"}), 404) == "no such auction"
    assert problem(bid(api, id, 10), 404) == "no such auction"


def test_an_unknown_status_is_refused(api: Client) -> None:
    assert problem(api.post(f"/auctions/{new_auction(api)}/statuses", {"status": "sold"}), 400).startswith("status")


def test_a_closed_auction_stays_closed(api: Client) -> None:
    auction = new_auction(api, "closed")
    for status in ("pending", "in progress"):
        problem(api.post(f"/auctions/{auction}/statuses", {"status": status}), 409)
    assert api.get(f"/auctions/{auction}").json["status"] == "closed"


@pytest.mark.parametrize("status", ["pending", "in progress", "closed"])
def test_changing_to_the_same_status_does_nothing(api: Client, status: str) -> None:
    auction = new_auction(api, status)
    before = api.get(f"/auctions/{auction}").json
    assert api.post(f"/auctions/{auction}/statuses", {"status": status}).status == 204
    assert api.get(f"/auctions/{auction}").json == before


@pytest.mark.parametrize("amount", [0, -1, 0.001, 12.345, "12", None, True])
def test_a_bid_that_is_no_amount_is_refused(api: Client, amount: object) -> None:
    auction = new_auction(api)
    assert problem(bid(api, auction, amount), 400).startswith("bid must be a number")
    assert "currentBid" not in api.get(f"/auctions/{auction}").json


def test_a_bid_without_a_bidder_is_refused(api: Client) -> None:
    auction = new_auction(api)
    assert "userId" in problem(api.post(f"/auctions/{auction}/bids", {"bid": 12}), 400)
    assert "userId" in problem(bid(api, auction, 12, " "), 400)


@pytest.mark.parametrize("spelling", ["userId", "USERID", "userid", "UserID"])
def test_the_bidder_is_known_however_the_header_is_spelt(api: Client, spelling: str) -> None:
    auction = new_auction(api)
    assert api.post(f"/auctions/{auction}/bids", {"bid": 12}, {spelling: "Eve"}).status == 202
    price(api, auction, {"price": 12, "userId": "Eve"})


@pytest.mark.parametrize("status", ["pending", "closed"])
def test_a_bid_counts_only_while_the_auction_is_in_progress(api: Client, status: str) -> None:
    auction = new_auction(api, status)
    problem(bid(api, auction, 100), 409)
    assert "currentBid" not in api.get(f"/auctions/{auction}").json


def test_a_bid_that_is_too_low_changes_nothing(api: Client) -> None:
    auction = new_auction(api, starting_price=10)
    for amount, user in ((9.99, "bob"), (20, "ada")):  # handled in this order
        assert bid(api, auction, amount, user).status == 202
    price(api, auction, {"price": 20, "userId": "ada"})
    for amount, user in ((20, "bob"), (19.99, "bob"), (20.01, "eve")):
        assert bid(api, auction, amount, user).status == 202
        assert api.get(f"/auctions/{auction}").json["currentBid"]["userId"] != "bob"
    price(api, auction, {"price": 20.01, "userId": "eve"})


@pytest.mark.parametrize("path", ["/", "/hens", "/chickens/x/y/z", "/auctions/x/bids/1"])
def test_an_unknown_page_is_not_found(api: Client, path: str) -> None:
    problem(api.get(path), 404)


# How it behaves.


def test_chickens_come_by_breed_whatever_its_case_and_auctions_by_time(api: Client) -> None:
    for breed in ("zz top", "Leghorn", "araucana", "Brahma", "leghorn", "Araucana"):
        new_chicken(api, breed=breed)
    breeds = [item["breed"].lower() for item in api.get("/chickens").json["items"]]
    assert breeds == sorted(breeds)
    assert {"araucana", "brahma", "leghorn", "zz top"} <= set(breeds)
    made = []
    for _ in range(4):
        made.append(new_auction(api))
        time.sleep(0.002)  # a ULID tells the time to the millisecond
    listed = [item["id"] for item in api.get("/auctions").json["items"]]
    assert listed == sorted(listed)
    assert listed[-4:] == made


def test_of_a_hundred_bids_at_the_same_time_the_highest_wins_and_the_price_only_rises(api: Client) -> None:
    auction = new_auction(api, starting_price=1)
    amounts = [round(1 + (37 * number % 100) * 0.37, 2) for number in range(100)]
    seen: list[float] = []
    finished = threading.Event()

    def watch() -> None:
        while not finished.is_set():
            seen.append(api.get(f"/auctions/{auction}").json.get("currentBid", {"price": 0})["price"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda amount: bid(api, auction, amount, f"user {amount}"), amounts))
    highest = max(amounts)
    price(api, auction, {"price": highest, "userId": f"user {highest}"})
    finished.set()
    watcher.join()
    statuses = dict(zip(amounts, (answer.status for answer in answers), strict=True))
    assert set(statuses.values()) == {202}, statuses
    assert seen == sorted(seen)
    assert len(seen) > 3, "nobody watched"


def rows(auction_house: Deployment, table: str) -> list[dict[str, Any]]:
    name = auction_house.klotho("outputs", f"{table}.table").stdout.strip()
    return list(client(auction_house, "dynamodb").scan(TableName=name)["Items"])


def client(auction_house: Deployment, service: str) -> Any:
    """A boto3 client with the deployer's credentials."""
    where = auction_house.supervisor
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=where["endpoint_url"],
        region_name=where["region"],
        aws_access_key_id=where["access_key"],
        aws_secret_access_key=where["secret_key"],
    )


def test_everyone_who_asked_gets_one_notice_when_the_auction_begins(auction_house: Deployment, api: Client) -> None:
    hen = new_chicken(api)
    for email in ("ada@example.com", "bob@example.com", "ada@example.com"):
        assert api.post(f"/chickens/{hen}/alerts", {"email": email}).status == 204
    auction = created(api.post("/auctions", {"chickenId": hen, "startingPrice": 1, "status": "pending"}))
    for _ in range(2):  # the second changes nothing and tells nobody
        assert api.post(f"/auctions/{auction}/statuses", {"status": "in progress"}).status == 204
    deadline = time.monotonic() + 20
    while len(told := [row for row in rows(auction_house, "notices_db") if row["auction_id"]["S"] == auction]) < 2:
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    time.sleep(0.5)
    lines = [line for line in auction_house.logs("notifier").splitlines() if f"the auction {auction} has begun" in line]
    assert sorted(line.split("to ", 1)[1].split(":")[0] for line in lines) == ["ada@example.com", "bob@example.com"]


def test_a_bid_that_cant_be_handled_is_kept_aside_and_holds_up_nobody(auction_house: Deployment, api: Client) -> None:
    sqs = client(auction_house, "sqs")
    queue, lost = (auction_house.klotho("outputs", f"{name}.url").stdout.strip() for name in ("bids", "lost_bids"))
    auction = new_auction(api)
    sqs.send_message(QueueUrl=queue, MessageBody="no bid", MessageGroupId="somebody", MessageDeduplicationId="x")
    assert bid(api, auction, 12).status == 202
    price(api, auction, {"price": 12, "userId": "ada"})
    deadline = time.monotonic() + 60
    while not (found := sqs.receive_message(QueueUrl=lost, WaitTimeSeconds=10).get("Messages")):
        assert time.monotonic() < deadline
    assert found[0]["Body"] == "no bid"


def test_pages_of_any_origin_may_call(api: Client) -> None:
    assert (
        api.call("GET", "/chickens", headers={"Origin": "https://farm.example"}).headers["access-control-allow-origin"]
        == "*"
    )
    for method, path in (("GET", "/auctions"), ("POST", f"/auctions/{NOBODY}/bids")):
        asked = {
            "Origin": "https://farm.example",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "userid,content-type",
        }
        answer = api.call("OPTIONS", path, headers=asked)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "*" in answer.headers["access-control-allow-methods"] or method in answer.headers[
            "access-control-allow-methods"
        ].split(",")


def test_what_goes_wrong_inside_is_for_the_log_and_not_for_the_caller(auction_house: Deployment, api: Client) -> None:
    with (
        replaced(auction_house.folder / "chickens" / "handler.py", '"by_breed"', '"by_feather"'),
        replaced(auction_house.folder / "auctions" / "handler.mjs", '"by_time"', '"by_tide"'),
    ):
        results = auction_house.up()
        assert sorted(name for name, result in results.items() if result != "unchanged") == [
            "auctions-function",
            "chickens-function",
        ]
        for path, index in (("/chickens", "by_feather"), ("/auctions", "by_tide")):
            assert problem(api.get(path), 500) == "something went wrong here"
            assert index in auction_house.logs(path.strip("/"))
    auction_house.up()
    assert api.get("/chickens").status == api.get("/auctions").status == 200


def test_chickens_and_auctions_outlive_down_and_up(auction_house: Deployment, api: Client) -> None:
    auction = new_auction(api)
    assert bid(api, auction, 33.33).status == 202
    price(api, auction, {"price": 33.33, "userId": "ada"})
    before = api.get(f"/auctions/{auction}").text
    chickens = api.get("/chickens").text
    running = auction_house.processes()
    auction_house.down()
    assert running
    assert auction_house.processes() == {}
    auction_house.up()
    again = auction_house.client("auction-api")
    assert again.get(f"/auctions/{auction}").text == before
    assert again.get("/chickens").text == chickens
    assert bid(again, auction, 33.34, "bob").status == 202
    price(again, auction, {"price": 33.34, "userId": "bob"})
