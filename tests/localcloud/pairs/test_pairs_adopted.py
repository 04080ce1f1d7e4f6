"""What another application made, adopted with `existing=` and used with each verb; afterwards its owner still has it.

Two applications of one project on one local cloud: the owner's is up first, the other one adopts its resources by the
ids that the deployed stacks tell, goes down, and everything of the owner's is as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import redis

from tests.certificates import make_chain
from tests.localcloud.pairs.harness import Deployed, FailedError, pair
from tests.tls_client import fetch

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(400)]

OWNER = """
orders = Databases.Postgres("orders")
stock = Databases.MySQL("stock")
hot = Databases.Redis("hot")
users = Auth.UserPool("users")
inner = API("inner", public=False)
boxed = container("boxed")
inner.attach_service(boxed, route="/boxed")
keeper, looker = function("keeper"), function("looker")
keeper.read_writes_to(orders)
keeper.read_writes_to(stock)
keeper.read_writes_to(hot)
looker.reads_from(hot)
keeper.calls(inner)
keeper.read_writes_to(users)
shop = Domain("shop.example", exposes=door)
shop.attach_cert("./certs/shop_example.crt")
site = Site("web", directory="web")
files, jobs, news = Storage.Bucket("files"), Messaging.Queue("jobs"), Messaging.Topic("news")
table, key = Databases.KeyValue("table"), Secret("key")
keeper.calls(looker)
keeper.uses(key)
for verb, thing in (("read_writes_to", files), ("read_writes_to", table), ("sends_to", jobs), ("publishes_to", news)):
    getattr(keeper, verb)(thing)
"""
GUEST = """
Network(existing="{vpc}", subnets={subnets})
orders = Databases.Postgres("orders", existing="{orders}")
stock = Databases.MySQL("stock", existing="{stock}")
hot = Databases.Redis(
    "hot",
    existing=Existing("{hot}", secret="{hot_secret}", read_secret="{hot_read}", security_group="{hot_group}"),
)
users = Auth.UserPool("users", existing="{users}")
inner = API("inner", public=False, existing=Existing("{listener}", priority=20000))
behind = Existing("{boxed}", url="{inner_url}/boxed", port=80, security_group="{inner_group}")
boxed = Compute.Container("boxed", existing=behind)
pdf = Compute.Container("pdf", existing="{boxed}")
door.attach_service(pdf, route="/pdf")
reader, writer, both = function("reader"), function("writer"), function("both")
caller, router, stranger = function("caller"), function("router"), function("stranger")
told = Compute.Function("told", handler="told.handler")
inner.attach_service(told, route="/told")
router.calls(inner)
caller.calls(boxed)
Domain("shop.example", existing=Existing("shop.example", path="guest"), exposes=door)
site = Site("web", existing="{web}")
fronted = function("fronted", environment={{"FRONT": site.url}})
files = Storage.Bucket("files", existing="{files}")
jobs = Messaging.Queue("jobs", existing="{jobs}")
news = Messaging.Topic("news", existing="{news}")
table = Databases.KeyValue("table", existing="{table}")
key = Secret("key", existing="{key}")
looker = Compute.Function("looker", handler="probe.handler", existing="{looker}")
both.sends_to(jobs)
both.publishes_to(news)
both.uses(key)
both.calls(looker)
boxed_both = container("boxed-both")
boxed_both.read_writes_to(orders)
boxed_both.calls(boxed)
for store in (orders, stock, hot, users, files, table):
    reader.reads_from(store)
    writer.writes_to(store)
    both.read_writes_to(store)
"""


ALONE = "default"
"""Applications without a project have a network of their own each; those of a project need not adopt each other's."""
QUEUE_URL = "{endpoint_url}/000000000000/"
URL = 'return config.datastores.get("%s").url'
LOGIN = """
    db = config.datastores.mysql("stock")
    return [db.host, db.port, db.user, db.password, db.database]
"""
GET = """
import urllib.request
with urllib.request.urlopen({base} + "{path}", timeout=10) as answer:
    return json.load(answer)
"""
POST = """
import urllib.request
request = urllib.request.Request({base} + "{path}", b"return 7", method="POST")
with urllib.request.urlopen(request, timeout=10) as answer:
    return json.load(answer)
"""


TOLD = """
def handler(event, context):
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"value": 7}'}
"""


CHAIN = make_chain("shop.example")
FILES = {
    "told.py": TOLD,
    "web/index.html": "<h1>hello</h1>",
    "certs/shop_example.crt": CHAIN.certificates,
    "certs/shop_example.key": CHAIN.key,
}
PROGRAM = GUEST.format(
    vpc="vpc-0a1b2c3d4e5f60718",
    subnets='["subnet-0a1b2c3d", "subnet-0a1b2c3e"]',
    orders="orders",
    stock="stock",
    hot="hot",
    hot_secret="arn:aws:secretsmanager:us-east-1:123456789012:secret:hot-a1B2c3",
    hot_read="arn:aws:secretsmanager:us-east-1:123456789012:secret:hot-a1B2c4",
    hot_group="sg-0a1b2c3d",
    users="us-east-1_aBcDeFgHi",
    listener="arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/in/50dc6c495c0c9188/f2f7dc8efc522ab2",
    boxed="arn:aws:ecs:us-east-1:123456789012:service/main/boxed",
    inner_url="http://in.example",
    inner_group="sg-0a1b2c3e",
    web="E1A2B3C4D5E6F7",
    files="files-of-somebody",
    jobs="jobs",
    news="arn:aws:sns:us-east-1:123456789012:news",
    table="table",
    key="arn:aws:secretsmanager:us-east-1:123456789012:secret:key-a1B2c3",
    looker="looker",
)
"""For the gates, which judge the templates of every module's program."""


class Guest:
    """The other application, up beside the owner's."""

    def __init__(self, owner: Deployed, folder: Path) -> None:
        self.owner = owner
        self.deployed = Deployed(folder, GUEST.format(**ids(owner)), FILES, application="guest", project=ALONE)
        self.before = facts(owner)
        self.is_up = True
        self.deployed.deployment.up()

    def down(self) -> None:
        if self.is_up:
            self.deployed.deployment.klotho("down", "--yes", "--delete-data", "guest")
            self.is_up = False


def resources(owner: Deployed, type_name: str, application: str = "pairs") -> list[tuple[str, str]]:
    """Logical and physical id of every resource of this type in the application's stacks."""
    client = owner.client("cloudformation")
    found = []
    for stack in client.describe_stacks()["Stacks"]:
        if {"Key": "klotho:application", "Value": application} not in stack["Tags"]:
            continue
        for item in client.describe_stack_resources(StackName=stack["StackName"])["StackResources"]:
            if item["ResourceType"] == type_name:
                found.append((item["LogicalResourceId"], item["PhysicalResourceId"]))
    return sorted(found)


def ids(owner: Deployed) -> dict[str, Any]:
    """What somebody would look up in the console to adopt it."""

    def one(type_name: str, start: str = "") -> str:
        return next(physical for logical, physical in resources(owner, type_name) if logical.startswith(start))

    orders, stock = one("AWS::RDS::DBInstance", "Orders"), one("AWS::RDS::DBInstance", "Stock")
    return {
        "vpc": one("AWS::EC2::VPC"),
        "subnets": json.dumps([item for name, item in resources(owner, "AWS::EC2::Subnet") if name.startswith("Priv")]),
        "orders": orders,
        "stock": stock,
        "hot": one("AWS::ElastiCache::ReplicationGroup"),
        "hot_secret": one("AWS::SecretsManager::Secret", "HotLoginOfFunctionKeeper"),
        "hot_read": one("AWS::SecretsManager::Secret", "HotLoginOfFunctionLooker"),
        "hot_group": one("AWS::EC2::SecurityGroup", "HotRedis"),
        "users": one("AWS::Cognito::UserPool"),
        "web": one("AWS::CloudFront::Distribution"),
        "files": one("AWS::S3::Bucket", "Files"),
        "jobs": one("AWS::SQS::Queue", "JobsQueue").replace(QUEUE_URL.format(**owner.deployment.supervisor), ""),
        "news": one("AWS::SNS::Topic"),
        "table": one("AWS::DynamoDB::Table"),
        "key": one("AWS::SecretsManager::Secret", "Key"),
        "looker": one("AWS::Lambda::Function", "Looker"),
        "listener": one("AWS::ElasticLoadBalancingV2::Listener"),
        "inner_group": one("AWS::EC2::SecurityGroup", "InnerApi"),
        "boxed": one("AWS::ECS::Service"),
        "inner_url": owner.run("keeper", 'return config.services.get("inner").url'),
    }


def facts(owner: Deployed) -> dict[str, Any]:
    """Every resource of the owner's stacks, as Cloud Control tells what it is like now."""
    client = owner.client("cloudcontrol")
    types = (
        "AWS::RDS::DBInstance",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::UserGroup",
        "AWS::Cognito::UserPool",
        "AWS::ECS::Service",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::VPC",
        "AWS::CloudFront::Distribution",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SNS::Topic",
        "AWS::DynamoDB::Table",
        "AWS::Lambda::Function",
    )
    return {
        physical: json.loads(
            client.get_resource(TypeName=type_name, Identifier=physical)["ResourceDescription"]["Properties"]
        )
        for type_name in types
        for _, physical in resources(owner, type_name)
    }


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("adopted")
    owner = Deployed(folder, OWNER, FILES, project=ALONE)
    try:
        owner.deployment.up()
        owner.client("secretsmanager").put_secret_value(SecretId=ids(owner)["key"], SecretString="s3cret")
        postgres(owner, "keeper", "create table items (id int); insert into items values (1)")
        mysql(owner, "keeper", "create table items (id int)", "insert into items values (1)")
        cache(owner, "keeper").set("item", "1")
        made = Guest(owner, folder)
        try:
            yield made
        finally:
            made.down()
    finally:
        owner.deployment.end()


def postgres(deployed: Deployed, unit: str, statement: str) -> list[Any]:
    """Run with the unit's own login."""
    with psycopg.connect(deployed.run(unit, URL % "orders"), autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


def mysql(deployed: Deployed, unit: str, *statements: str) -> list[Any]:
    """Run with the unit's own login."""
    host, port, user, password, database = deployed.run(unit, LOGIN)
    insecure = {"check_hostname": False, "verify_mode": "none"}
    with (
        closing(
            pymysql.connect(
                host=host, port=port, user=user, password=password, database=database, autocommit=True, ssl=insecure
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def cache(deployed: Deployed, unit: str) -> Any:
    return redis.Redis.from_url(deployed.run(unit, URL % "hot"), decode_responses=True)


@pair("reads_from", "Compute.Function", "Databases.Postgres")
@pair("writes_to", "Compute.Function", "Databases.Postgres")
@pair("read_writes_to", "Compute.Function", "Databases.Postgres")
def test_roles_are_made_in_an_existing_postgres(guest: Guest) -> None:
    deployed = guest.deployed
    assert resources(guest.owner, "AWS::RDS::DBInstance", "guest") == []
    assert postgres(deployed, "reader", "select id from items") == [(1,)]
    postgres(deployed, "writer", "insert into items values (2)")
    postgres(deployed, "both", "create table mine (id int); insert into items values (3)")
    assert postgres(deployed, "reader", "select count(*) from items, mine") == [(0,)]
    for unit, statement in (("reader", "insert into items values (4)"), ("writer", "select * from items")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres(deployed, unit, statement)
    deployed.denied("stranger", URL % "orders", "orders")


@pair("reads_from", "Compute.Function", "Databases.MySQL")
@pair("writes_to", "Compute.Function", "Databases.MySQL")
@pair("read_writes_to", "Compute.Function", "Databases.MySQL")
def test_accounts_are_made_in_an_existing_mysql(guest: Guest) -> None:
    deployed = guest.deployed
    assert mysql(deployed, "reader", "select id from items") == [(1,)]
    mysql(deployed, "writer", "insert into items values (2)")
    mysql(deployed, "both", "create table mine (id int)", "insert into mine select id from items")
    for unit, statement in (("reader", "insert into items values (4)"), ("writer", "select * from items")):
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            mysql(deployed, unit, statement)
    deployed.denied("stranger", LOGIN, "stock")


@pair("reads_from", "Compute.Function", "Databases.Redis")
@pair("writes_to", "Compute.Function", "Databases.Redis")
@pair("read_writes_to", "Compute.Function", "Databases.Redis")
def test_an_existing_cache_is_used_with_the_logins_that_are_told(guest: Guest) -> None:
    deployed = guest.deployed
    assert cache(deployed, "reader").get("item") == "1"
    with pytest.raises(redis.exceptions.NoPermissionError):
        cache(deployed, "reader").set("item", "2")
    cache(deployed, "writer").set("more", "2")
    assert cache(deployed, "both").get("more") == "2"
    deployed.denied("stranger", URL % "hot", "hot")
    secret = ids(guest.owner)["hot_secret"]
    with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
        deployed.client("secretsmanager", "reader").get_secret_value(SecretId=secret)


@pair("reads_from", "Compute.Function", "Auth.UserPool")
@pair("writes_to", "Compute.Function", "Auth.UserPool")
@pair("read_writes_to", "Compute.Function", "Auth.UserPool")
def test_users_of_an_existing_pool_are_administered_and_a_client_is_the_application_s_own(guest: Guest) -> None:
    deployed, pool = guest.deployed, ids(guest.owner)["users"]
    deployed.client("cognito-idp", "writer").admin_create_user(UserPoolId=pool, Username="ada@shop.example")
    found = deployed.client("cognito-idp", "reader").admin_get_user(UserPoolId=pool, Username="ada@shop.example")
    assert found["Enabled"]
    for unit, operation in (
        ("reader", "admin_delete_user"),
        ("writer", "admin_get_user"),
        ("stranger", "admin_get_user"),
    ):
        with pytest.raises(Exception, match="not authorized to perform: cognito-idp:Admin"):
            getattr(deployed.client("cognito-idp", unit), operation)(UserPoolId=pool, Username="ada@shop.example")
    owners = {physical for _, physical in resources(guest.owner, "AWS::Cognito::UserPoolClient")}
    (mine,) = resources(guest.owner, "AWS::Cognito::UserPoolClient", "guest")
    assert mine[1] not in owners


@pair("calls", "Compute.Function", "API")
@pair("attach_service", "API", "Compute.Function")
def test_an_existing_private_api_is_called_and_given_a_route(guest: Guest) -> None:
    ask = 'config.services.get("inner").url'
    assert deployed_get(guest.deployed, "router", ask, "/boxed/x")["path"] == "/boxed/x"
    assert guest.deployed.run("router", POST.format(base=ask, path="/told")) == {"value": 7}
    guest.deployed.denied("stranger", f"return {ask}", "inner")
    told = guest.deployed.run("router", f"return {ask}")
    with pytest.raises(FailedError):
        deployed_get(guest.deployed, "stranger", repr(told), "/boxed/x")
    # The owner's own rules come first, and its own caller reaches the guest's route, too.
    assert deployed_get(guest.owner, "keeper", ask, "/boxed/y")["name"] == "boxed"


@pair("calls", "Compute.Function", "Compute.Container")
@pair("attach_service", "API", "Compute.Container")
def test_an_existing_container_is_called_where_it_is_and_attached_to_an_api(guest: Guest) -> None:
    ask = 'config.services.get("boxed").url'
    assert deployed_get(guest.deployed, "caller", ask, "/z") == {"name": "boxed", "path": "/boxed/z"}
    guest.deployed.denied("stranger", f"return {ask}", "boxed")
    assert guest.deployed.door.call("GET", "/pdf").json["name"] == "boxed"


@pair("exposes", "Domain", "API")
def test_an_existing_domain_leads_to_the_guest_below_a_path_and_to_the_owner_else(guest: Guest) -> None:
    units = json.loads(guest.owner.deployment.klotho("status", "--json").stdout)["units"]
    port = int(next(unit["address"] for unit in units if unit["name"] == "shop.example").rpartition(":")[2])
    mine = fetch("shop.example", port, "/guest/caller", trusting=CHAIN.root, body='return os.environ["KLOTHO_UNIT"]')
    assert (mine.status, mine.json) == (200, {"value": "caller"})
    theirs = fetch("shop.example", port, "/keeper", trusting=CHAIN.root, body='return os.environ["KLOTHO_UNIT"]')
    assert (theirs.status, theirs.json) == (200, {"value": "keeper"})
    assert fetch("shop.example", port, "/caller", trusting=CHAIN.root, body="return 1").status == 404


def test_code_is_told_the_address_of_an_existing_site(guest: Guest) -> None:
    told = guest.deployed.run("fronted", 'return os.environ["FRONT"]')
    assert told == guest.owner.deployment.url("web")


@pair("reads_from", "Compute.Function", "Storage.Bucket")
@pair("writes_to", "Compute.Function", "Storage.Bucket")
def test_an_existing_bucket_is_read_by_readers_and_written_by_writers(guest: Guest) -> None:
    deployed = guest.deployed
    deployed.run("writer", 'config.buckets.get("files").put("a.txt", b"hello")')
    assert deployed.run("reader", 'return config.buckets.get("files").get("a.txt").decode()') == "hello"
    deployed.denied("reader", 'config.buckets.get("files").put("b.txt", b"x")', "s3:PutObject")
    deployed.denied("writer", 'config.buckets.get("files").get("a.txt")', "s3:GetObject")


@pair("writes_to", "Compute.Function", "Databases.KeyValue")
@pair("read_writes_to", "Compute.Function", "Databases.KeyValue")
def test_an_existing_table_is_written_by_writers(guest: Guest) -> None:
    deployed = guest.deployed
    deployed.run("writer", 'config.datastores.get("table").put({"id": "1", "by": "writer"})')
    assert deployed.run("both", 'return config.datastores.get("table").get({"id": "1"})')["by"] == "writer"
    deployed.denied("writer", 'config.datastores.get("table").get({"id": "1"})', "dynamodb:GetItem")


@pair("sends_to", "Compute.Function", "Messaging.Queue")
@pair("publishes_to", "Compute.Function", "Messaging.Topic")
@pair("uses", "Compute.Function", "Secret")
@pair("calls", "Compute.Function", "Compute.Function")
def test_an_existing_queue_topic_secret_and_function_are_used_by_who_may(guest: Guest) -> None:
    deployed, told = guest.deployed, ids(guest.owner)
    deployed.run("both", 'config.queues.get("jobs").send({"n": 1})')
    deployed.run("both", 'config.topics.get("news").publish({"n": 1})')
    assert deployed.run("both", 'return config.secrets.get("key").value') == "s3cret"
    deployed.run("both", 'config.services.get("looker").invoke({"from": "guest"})')
    guest.owner.seen("looker", lambda event: event == {"from": "guest"})
    for service, operation, given in (
        ("sns", "publish", {"TopicArn": told["news"], "Message": "x"}),
        ("secretsmanager", "get_secret_value", {"SecretId": told["key"]}),
        ("lambda", "invoke", {"FunctionName": told["looker"]}),
    ):
        with pytest.raises(Exception, match="not authorized to perform"):
            getattr(deployed.client(service, "stranger"), operation)(**given)


def test_containers_use_what_is_there_from_the_same_network(guest: Guest) -> None:
    assert (1,) in postgres(guest.deployed, "boxed-both", "select id from items")
    ask = 'config.services.get("boxed").url'
    assert deployed_get(guest.deployed, "boxed-both", ask, "/z")["name"] == "boxed"


def test_after_down_everything_of_the_owner_s_is_as_it_was(guest: Guest) -> None:
    """Last: it takes the guest down."""
    guest.down()
    assert facts(guest.owner) == guest.before
    owner = guest.owner
    assert (1,) in postgres(owner, "keeper", "select id from items")
    assert postgres(owner, "keeper", "select id from mine") == [], "what guests made is the owner's now"
    assert mysql(owner, "keeper", "select count(*) from items") != []
    assert cache(owner, "keeper").get("item") == "1"
    assert deployed_get(owner, "keeper", 'config.services.get("inner").url', "/boxed/y")["name"] == "boxed"
    logins = postgres(owner, "keeper", "select count(*) from pg_roles where rolname like 'both_%'")
    assert logins == [(0,)]


def deployed_get(deployed: Deployed, unit: str, base: str, path: str) -> Any:
    return deployed.run(unit, GET.format(base=base, path=path))
