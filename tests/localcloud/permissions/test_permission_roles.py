"""Which policies count for a role, read from the live resources, and how fast the whole check is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud.database import Database
from klotho.localcloud.handler import Record
from klotho.localcloud.logs import Logs
from klotho.localcloud.permissions import Authorizer, Denials
from klotho.localcloud.permissions.denials import STREAM
from klotho.localcloud.permissions.evaluate import Need
from klotho.localcloud.service import ApiCall, Caller
from klotho.localcloud.world import World

ROLE = "arn:aws:iam::000000000000:role/orders-role"
TABLE = "arn:aws:dynamodb:eu-west-1:000000000000:table/carts"
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function:price"
CALLER = Caller("AKIA", "Compute.Function/orders", ROLE)
PUT = Need("dynamodb:PutItem", TABLE)
INVOKE = Need("lambda:InvokeFunction", FUNCTION)


def document(effect: str = "Allow", action: str = "dynamodb:PutItem", **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": TABLE, **more}]}


class Scene:
    """An authorizer over a real World."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "state.sqlite3")
        self.world = World(self.database)
        self.logs = Logs(folder)
        self.now = 0.0
        denials = Denials(self.logs, {"Compute.Function/orders": "/orders"}.get, lambda: self.now)
        self.authorizer = Authorizer(self.world, "eu-west-1", "000000000000", lambda name: None, denials)

    def put(self, type_name: str, identifier: str, properties: Any, attributes: Any = None) -> None:
        self.world.put(
            Record(type_name, identifier, properties, attributes or {}, "token", "stack-id", "stack", "Logical", {})
        )

    def role(self, **properties: Any) -> None:
        self.put("AWS::IAM::Role", "orders-role", properties, {"Arn": ROLE})

    def policy(self, policy: Any, name: str = "code", role: str = "orders-role") -> None:
        properties = {"RoleName": role, "PolicyName": name, "PolicyDocument": policy}
        self.put("AWS::IAM::RolePolicy", f"{name}|{role}", properties)

    def managed(self, policy: Any, **more: Any) -> str:
        arn = "arn:aws:iam::000000000000:policy/team"
        self.put("AWS::IAM::ManagedPolicy", arn, {"PolicyDocument": policy, **more}, {"PolicyArn": arn})
        return arn

    def table(self) -> None:
        properties = {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "Tags": [{"Key": "klotho:construct", "Value": "Databases.KeyValue/carts"}],
        }
        self.put("AWS::DynamoDB::Table", "carts", properties, {"Arn": TABLE})

    def may(self, need: Need = PUT) -> bool:
        return self.authorizer.decide(ROLE, need).allowed

    def why(self, need: Need = PUT) -> str:
        return self.authorizer.decide(ROLE, need).reason

    def put_item(self, caller: Caller = CALLER, key: str = "1") -> Any:
        headers = {"x-amz-target": "DynamoDB_20120810.PutItem", "content-type": "application/x-amz-json-1.0"}
        body = json.dumps({"TableName": "carts", "Item": {"id": {"S": key}, "text": {"S": "x" * 200}}}).encode()
        return self.authorizer(ApiCall("dynamodb", "PutItem", "POST", "/", {}, headers, body, caller))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.logs.close()
    made.database.close()


def test_a_role_that_is_not_deployed_may_do_nothing(scene: Scene) -> None:
    scene.policy(document())
    assert scene.why() == f"because the role {ROLE} is not deployed"


def test_policies_inline_attached_and_managed_all_count(scene: Scene) -> None:
    scene.role(Policies=[{"PolicyName": "inline", "PolicyDocument": document()}])
    assert scene.may()
    scene.role()
    assert not scene.may()
    scene.policy(document(), role="another")
    assert not scene.may()
    scene.policy(document())
    assert scene.may()
    scene.world.remove("AWS::IAM::RolePolicy", "code|orders-role")
    assert not scene.may()
    arn = scene.managed(document())
    assert not scene.may()
    scene.role(ManagedPolicyArns=[arn])
    assert scene.may()
    scene.role()
    scene.managed(document(), Roles=["orders-role"])
    assert scene.may()


def test_a_deny_in_one_policy_wins_over_an_allow_in_another(scene: Scene) -> None:
    scene.role(Policies=[{"PolicyName": "inline", "PolicyDocument": document("Deny", "dynamodb:*")}])
    scene.policy(document())
    assert scene.why() == "with an explicit deny in an identity-based policy"


def test_a_boundary_is_read_from_the_world(scene: Scene) -> None:
    scene.role(PermissionsBoundary=scene.managed(document(action="dynamodb:GetItem")))
    scene.policy(document())
    assert scene.why() == "because no permissions boundary allows the dynamodb:PutItem action"


def test_a_policy_of_awss_own_is_known_or_refused_by_name(scene: Scene) -> None:
    known = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    scene.role(ManagedPolicyArns=[known])
    scene.policy(document())
    assert scene.may(Need("logs:PutLogEvents", "arn:aws:logs:eu-west-1:000000000000:log-group:x"))
    assert scene.may()
    scene.role(ManagedPolicyArns=["arn:aws:iam::aws:policy/PowerUserAccess"])
    assert "does not know the policy arn:aws:iam::aws:policy/PowerUserAccess" in scene.why()


def test_a_malformed_policy_denies_everything_and_is_named(scene: Scene) -> None:
    scene.role()
    scene.policy(document())
    scene.policy({"Statement": [{"Effect": "Allow"}]}, name="broken")
    assert "broken" in scene.why()


def test_a_permission_of_the_function_for_this_role_is_enough(scene: Scene) -> None:
    scene.role()
    scene.put("AWS::Lambda::Function", "price", {}, {"Arn": FUNCTION})
    permission = {"Action": "lambda:InvokeFunction", "FunctionName": FUNCTION, "Principal": "apigateway.amazonaws.com"}
    scene.put("AWS::Lambda::Permission", "one", permission)
    assert not scene.may(INVOKE)
    scene.put("AWS::Lambda::Permission", "two", {**permission, "Principal": "*", "SourceArn": "arn:aws:s3:::box"})
    assert not scene.may(INVOKE), "it did not come from the bucket"
    scene.put("AWS::Lambda::Permission", "three", {**permission, "Principal": ROLE, "FunctionName": "price"})
    assert scene.may(INVOKE)
    assert not scene.may(Need("lambda:InvokeFunction", FUNCTION + "2"))


def test_leading_keys_limit_a_tenant_to_its_items(scene: Scene) -> None:
    scene.role()
    scene.table()
    scene.policy(document(Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ada-*"]}}))
    assert scene.put_item(key="ada-1") is None
    assert scene.put_item(key="bob-1").code == "AccessDeniedException"


def test_a_denial_is_written_to_the_units_log_once_a_second_and_counted(scene: Scene) -> None:
    scene.role()
    scene.table()
    for _ in range(3):
        error = scene.put_item()
    scene.now = 1.5
    scene.put_item()
    lines = [(event.stream, event.message) for event in scene.logs.read("/orders")]
    assert lines == [
        (STREAM, f"klotho: denied: {error.message}"),
        (STREAM, f"klotho: denied: {error.message} (2 more since the last line)"),
    ]
    hint = "`orders.writes_to(carts)` in infra.py would allow it"
    assert scene.authorizer.summary(CALLER.name) == f"4 calls denied, last: dynamodb:PutItem on carts; {hint}"
    assert scene.authorizer.summary("Compute.Function/other") is None
    scene.policy(document())
    assert scene.authorizer.summary(CALLER.name) is None


@pytest.mark.parametrize(
    ("need", "told"),
    [
        (Need("dynamodb:DeleteTable", TABLE), "no relationship in infra.py gives dynamodb:DeleteTable"),
        (Need("dynamodb:Query", TABLE + "/index/by_day"), "`orders.reads_from(carts)` in infra.py would allow it"),
        (Need("dynamodb:GetItem", TABLE + "x"), f"nothing that infra.py deployed is {TABLE}x"),
        (Need("logs:DescribeLogGroups", "*"), "no relationship in infra.py gives logs:DescribeLogGroups"),
        (
            Need("secretsmanager:GetSecretValue", "arn:of:the:secret"),
            "the master user's secret is for nobody: `orders.reads_from(orders_db)` in infra.py would give it a login "
            "of its own",
        ),
        (
            Need("servicediscovery:DiscoverInstances", "*", subject="shop/desk"),
            "`orders.calls(front_desk)` in infra.py would allow it",
        ),
    ],
)
def test_the_advice_names_the_relationship_that_would_help(scene: Scene, need: Need, told: str) -> None:
    from klotho.localcloud.permissions.explain import advice

    scene.table()
    tags = [{"Key": "klotho:construct", "Value": "Databases.Postgres/orders_db"}]
    scene.put("AWS::RDS::DBInstance", "db", {"Tags": tags}, {"MasterUserSecret.SecretArn": "arn:of:the:secret"})
    tags = [{"Key": "klotho:construct", "Value": "Compute.Container/front-desk"}]
    scene.put("AWS::ServiceDiscovery::Service", "srv-1", {"Name": "desk", "Tags": tags})
    assert advice(CALLER.name, need, scene.world) == told


def test_the_deployer_is_not_asked_for_anything(scene: Scene) -> None:
    assert scene.put_item(Caller("AKIA", "deployer")) is None


def test_a_check_takes_less_than_a_third_of_a_millisecond(scene: Scene) -> None:
    """Forty statements that do not match come before the one that does, near AWS's limit of 10 KB a role."""
    scene.role()
    scene.table()
    for number in range(20):
        other = {"Effect": "Allow", "Action": ["dynamodb:Get*", "s3:*"], "Resource": f"arn:aws:s3:::box{number}/*"}
        scene.policy({"Statement": [other] * 2}, name=f"a{number}")
    scene.policy(document(), name="z")
    scene.put_item()
    best = min(_seconds_of(scene, 200) for _ in range(5))
    assert best < 0.0003, f"{best * 1e6:.0f} µs"


def _seconds_of(scene: Scene, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        assert scene.put_item() is None
    return (time.perf_counter() - start) / calls
