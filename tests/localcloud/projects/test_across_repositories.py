"""Every verb with its other end in another repository of the project: allowed uses succeed, others are denied, and the
owner's stacks stay as they are. What lives in the network is in `test_across_repositories_in_the_network.py`."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from tests.certificates import make_chain
from tests.examples.deployment import KLOTHO
from tests.localcloud.pairs.harness import Deployed
from tests.localcloud.projects.repositories import Repositories
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(400)]

STOCK = """
things = Databases.KeyValue("things")
images = Storage.Bucket("images", protect=False)
jobs = Messaging.Queue("jobs")
news = Messaging.Topic("news")
stripe = Secret("stripe")
tick = Schedule("tick", every="1 minute")
people = Auth.UserPool("people", plain_passwords=True)
door_keeper = Compute.Function("door-keeper", handler="keeper.handler")
price = function("price")
front = API("front")
guarded = API("guarded")
guarded.authenticates_with(door_keeper)
writer = function("writer")
writer.read_writes_to(things)
writer.read_writes_to(images)
writer.publishes_to(news)
writer.sends_to(jobs)
Domain("stock.example", zone="Z0123456789ABCDEFGHIJ")
"""
SHOP = """
def of_project(kind, name):
    return kind(name, from_project=True)

things, images = of_project(Databases.KeyValue, "things"), of_project(Storage.Bucket, "images")
jobs, news = of_project(Messaging.Queue, "jobs"), of_project(Messaging.Topic, "news")
stripe, tick = of_project(Secret, "stripe"), of_project(Schedule, "tick")
people, door_keeper = of_project(Auth.UserPool, "people"), of_project(Compute.Function, "door-keeper")
price, front, guarded = of_project(Compute.Function, "price"), of_project(API, "front"), of_project(API, "guarded")

reader, user, stranger = function("reader"), function("user"), function("stranger")
reader.reads_from(things)
reader.reads_from(images)
user.writes_to(things)
user.writes_to(images)
user.sends_to(jobs)
user.publishes_to(news)
user.calls(price)
user.uses(stripe)
user.uses(people)
watcher, follower, worker = function("watcher"), function("follower"), function("worker")
listener, nightly = function("listener"), function("nightly")
watcher.triggered_by(images, prefix="in/")
follower.triggered_by(things)
worker.consumes(jobs)
listener.subscribes_to(news)
nightly.triggered_by(tick)
inbox = Messaging.Queue("inbox")
inbox.subscribes_to(news)
mailer = function("mailer")
mailer.consumes(inbox)
late = function("late")
late.calls(price, "async")

front.attach_service(user, route="/from-shop")
guarded.attach_service(user, route="/from-shop")
mine, theirs = API("mine"), API("theirs")
mine.attach_service(user, route="/mine")
mine.authenticates_with(people)
theirs.attach_service(user, route="/theirs")
theirs.authenticates_with(door_keeper)
shop_example = Domain("shop.example", exposes=front)
shop_example.attach_cert("./certs/shop_example.crt")
Domain("stock.example", from_project=True, exposes=mine)
web = Site("web", directory="web", environment={"front": front.url, "table": things.table})
told = function("told", environment={"FRONT": f"at {front.url}", "TABLE": things.table, "PRICE": price.arn})
"""
CHAIN = make_chain("shop.example")
FILES = {
    "certs/shop_example.crt": CHAIN.certificates,
    "certs/shop_example.key": CHAIN.key,
    "web/index.html": "<!doctype html><title>shop</title>",
    "keeper.py": (
        "def handler(event, context):\n"
        '    return {"isAuthorized": event["headers"].get("authorization") == "open sesame"}\n'
    ),
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repositories]:
    made = Repositories(tmp_path_factory.mktemp("repositories"), STOCK, SHOP, FILES)
    try:
        made.up()
        yield made
    finally:
        left = made.end()
    assert left == [], "processes are left after `klotho down`"


@pytest.fixture(scope="module")
def stock(both: Repositories) -> Deployed:
    return both.stock


@pytest.fixture(scope="module")
def shop(both: Repositories) -> Deployed:
    return both.shop


def call(deployed: Deployed, api: str, path: str, token: str | None = None) -> Any:
    headers = {} if token is None else {"Authorization": token}
    answer = deployed.deployment.client(api).call("POST", path, 'return os.environ["KLOTHO_UNIT"]', headers)
    return answer.status, answer.json.get("value")


def test_the_shop_makes_stacks_of_its_own_only_and_those_of_the_owner_stay_as_they_are(both: Repositories) -> None:
    before = both.stacks("stock")
    assert set(both.stock.deployment.up().values()) == {"unchanged"}
    assert set(both.shop.deployment.up().values()) == {"unchanged"}
    with_more = both.shop.deployment.folder / "infra.py"
    text = with_more.read_text()
    with_more.write_text(text + "function('another').reads_from(things)\n")
    assert both.shop.deployment.up()["another-function"] == "created"
    with_more.write_text(text)
    assert both.shop.deployment.up()["another-function"] == "deleted"
    assert both.stacks("stock") == before


def test_a_table_of_another_repository_is_read_and_written_as_granted(stock: Deployed, shop: Deployed) -> None:
    things = 'config.datastores.get("things")'
    shop.run("user", f'{things}.put({{"id": "from-shop"}})')
    stock.run("writer", f'{things}.put({{"id": "from-stock"}})')
    assert shop.run("reader", f'return {things}.get({{"id": "from-stock"}})') == {"id": "from-stock"}
    assert stock.run("writer", f'return {things}.get({{"id": "from-shop"}})') == {"id": "from-shop"}
    shop.denied("reader", f'{things}.put({{"id": "no"}})', "dynamodb:PutItem")
    shop.denied("user", f'return {things}.get({{"id": "no"}})', "dynamodb:GetItem")
    shop.denied("stranger", f"return {things}", "things")
    record = shop.seen("follower", lambda event: "from-stock" in str(event))["Records"][0]
    assert record["eventName"] == "INSERT"


def test_a_bucket_of_another_repository_is_read_written_and_followed(stock: Deployed, shop: Deployed) -> None:
    images = 'config.buckets.get("images")'
    stock.run("writer", f'{images}.put("a", "from stock")')
    assert shop.run("reader", f'return {images}.get("a").decode()') == "from stock"
    shop.denied("reader", f'{images}.put("b", "no")', "s3:PutObject")
    shop.denied("user", f'return {images}.get("a")', "s3:GetObject")
    shop.run("user", f'{images}.put("in/b", "from shop")')
    event = shop.seen("watcher", lambda event: event.get("source") == "aws.s3")
    assert event["detail"]["object"]["key"] == "in/b"
    assert not [event for event in shop.events("watcher") if event["detail"]["object"]["key"] == "a"]


def test_a_queue_of_another_repository_is_sent_to_and_consumed(stock: Deployed, shop: Deployed) -> None:
    send = 'return config.queues.get("jobs").send({"from": "%s"})'
    stock.run("writer", send % "stock")
    shop.run("user", send % "shop")
    for sender in ("stock", "shop"):
        shop.seen("worker", lambda event, sender=sender: sender in str(event))  # type: ignore[misc]
    with pytest.raises(Exception, match="not authorized to perform: sqs:SendMessage"):
        url = stock.run("writer", 'return config.queues.get("jobs").url')
        shop.client("sqs", "reader").send_message(QueueUrl=url, MessageBody="no")


def test_a_topic_of_another_repository_is_published_to_and_listened_to(stock: Deployed, shop: Deployed) -> None:
    publish = 'return config.topics.get("news").publish({"said": "%s"})'
    stock.run("writer", publish % "by stock")
    shop.run("user", publish % "by shop")
    for said in ("by stock", "by shop"):
        for unit in ("listener", "mailer"):
            shop.seen(unit, lambda event, said=said: said in str(event))  # type: ignore[misc]
    with pytest.raises(Exception, match="not authorized to perform: sns:Publish"):
        arn = stock.run("writer", 'return config.topics.get("news").arn')
        shop.client("sns", "reader").publish(TopicArn=arn, Message="no")


def test_a_function_of_another_repository_is_called_and_by_nobody_else(stock: Deployed, shop: Deployed) -> None:
    ask = 'return config.services.get("price").invoke({"rawPath": "/", "body": "return 6 * 7"})'
    assert json.loads(shop.run("user", ask)["body"]) == {"value": 42}
    arn = shop.run("user", 'return config.services.get("price").arn')
    with pytest.raises(Exception, match="not authorized to perform: lambda:InvokeFunction"):
        shop.client("lambda", "reader").invoke(FunctionName=arn)
    shop.run("late", 'config.services.get("price").invoke({"kept": 1}, wait=False)')
    stock.seen("price", lambda event: event.get("kept") == 1)


def test_a_secret_of_another_repository_is_read_by_who_uses_it(stock: Deployed, shop: Deployed) -> None:
    subprocess.run(
        [str(KLOTHO), "secret", "set", "stripe"], input="sesame", cwd=stock.deployment.folder,
        env=dict(stock.deployment.environment), text=True, check=True, capture_output=True,
    )  # fmt: skip
    assert shop.run("user", 'return config.secrets.get("stripe").value') == "sesame"
    arn = json.loads(shop.environment("user")["KLOTHO_SECRET_STRIPE"])["secret"]
    with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
        shop.client("secretsmanager", "reader").get_secret_value(SecretId=arn)


def test_services_attach_themselves_to_apis_of_another_repository(stock: Deployed, shop: Deployed) -> None:
    assert call(stock, "front", "/from-shop") == (200, "user")
    assert call(stock, "front", "/elsewhere")[0] == 404
    assert call(stock, "guarded", "/from-shop")[0] == 401
    assert call(stock, "guarded", "/from-shop", "guess")[0] == 403
    assert call(stock, "guarded", "/from-shop", "open sesame") == (200, "user")


def test_an_api_authenticates_with_users_and_functions_of_another_repository(stock: Deployed, shop: Deployed) -> None:
    assert call(shop, "theirs", "/theirs", "open sesame") == (200, "user")
    assert call(shop, "theirs", "/theirs", "guess")[0] == 403
    told = 'pool = config.user_pools.get("people"); return [pool.pool_id, pool.client_id, pool.endpoint_url]'
    pool, client, endpoint = shop.run("user", told)
    make: Any = boto3.client
    cognito = make("cognito-idp", "us-east-1", endpoint_url=endpoint, config=Config(signature_version=UNSIGNED))
    admin, name, password = stock.client("cognito-idp"), "ada@example.com", "Correct-horse-7"
    admin.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    admin.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    asked = {"USERNAME": name, "PASSWORD": password}
    found = cognito.initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=asked)
    token = found["AuthenticationResult"]["AccessToken"]
    assert call(shop, "mine", "/mine", f"Bearer {token}") == (200, "user")
    assert call(shop, "mine", "/mine")[0] == 401


def test_domains_lead_to_apis_of_another_repository_and_the_other_way_round(shop: Deployed) -> None:
    units = json.loads(shop.deployment.klotho("status", "--json").stdout)["units"]
    ports = {unit["name"]: int(unit["address"].rpartition(":")[2]) for unit in units if ".example" in unit["name"]}
    body = 'return os.environ["KLOTHO_UNIT"]'
    answer = fetch("shop.example", ports["shop.example"], "/from-shop", trusting=CHAIN.root, body=body)
    assert answer.status == 200 and answer.json == {"value": "user"}
    authority = (shop.deployment.state_home / "klotho/.ca/klotho-local-ca.pem").read_text()
    assert fetch("stock.example", ports["stock.example"], "/mine", trusting=authority).status == 401


def test_values_of_another_repository_are_told_to_code_and_pages(stock: Deployed, shop: Deployed) -> None:
    front = stock.deployment.url("front")
    told = shop.environment("told")
    assert told["FRONT"] == f"at {front}"
    assert told["PRICE"] == shop.run("user", 'return config.services.get("price").arn')
    page = shop.deployment.client("web").get("/klotho-config.js").text
    assert front in page and told["TABLE"] in page


def test_a_schedule_of_another_repository_runs_a_function(shop: Deployed) -> None:
    assert shop.seen("nightly", lambda event: event.get("schedule") == "tick", seconds=90)


def test_pictures_name_the_owner(shop: Deployed) -> None:
    picture = json.loads(shop.deployment.klotho("graph", "--format", "json").stdout)
    (node,) = [node for node in picture["nodes"] if node["id"] == "Databases.KeyValue/things"]
    assert "Amazon DynamoDB of stock" in node.values()


def test_what_the_owner_replaced_is_picked_up_by_the_next_up(both: Repositories) -> None:
    """The last test: the table is another one afterwards."""
    before = both.shop.environment("told")["TABLE"]
    program = both.stock.deployment.folder / "infra.py"
    program.write_text(program.read_text().replace('KeyValue("things")', 'KeyValue("things", key="sku")'))
    both.stock.deployment.klotho("up", "--yes", "--delete-data", "things", "--allow-breaking", "shop")
    assert both.shop.deployment.up()["reader-function"] == "updated"
    deadline = time.monotonic() + 20
    while (after := both.shop.run("told", 'return os.environ["TABLE"]')) == before:
        assert time.monotonic() < deadline
    things = 'config.datastores.get("things")'
    both.stock.run("writer", f'{things}.put({{"sku": "new"}})')
    assert both.shop.run("reader", f'return {things}.get({{"sku": "new"}})') == {"sku": "new"}
    assert after == both.stock.run("writer", f"return {things}.table")


def test_a_stack_of_the_owner_that_is_not_there_is_named_before_anything_is_begun(both: Repositories) -> None:
    client = both.stock.client("cloudformation")
    (name,) = [name for name in both.stacks("stock") if "tripe" in name]
    before = both.stacks("shop")
    program = both.shop.deployment.folder / "infra.py"
    program.write_text(program.read_text() + "function('extra').uses(stripe)\n")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    done = both.shop.deployment.klotho("up", "--yes", exit_code=4)
    assert "owner-not-up" in done.stderr and "run `klotho up` where `stock` is" in done.stderr
    assert both.stacks("shop") == before
