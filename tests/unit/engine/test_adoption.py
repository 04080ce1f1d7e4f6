"""`existing=`: what is there already is referred to by its id, and never made or changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klotho.application import from_json, to_json
from klotho.application.files import ProgramFiles
from klotho.diagnostics import ProgramError
from klotho.emit import render
from klotho.engine import resolve
from tests.conftest import RunProgram

NAMES = "API, Auth, Compute, Databases, Domain, Existing, Messaging, Network, Schedule, Secret, Site, Storage"
HEAD = f'import klotho\nfrom klotho import {NAMES}\nklotho.Application("shop")\n'
WORK = {"work.py": "def handler(event, context):\n    return event\n"}
UNIT = 'unit = Compute.Function("unit", handler="work.handler")\n'


def templates(run_program: RunProgram, text: str, environment: str = "prod", tmp_path: Any = None) -> dict[str, Any]:
    """Resources by stack."""
    application, report = run_program(HEAD + text, WORK)
    assert application is not None, report.diagnostics
    assert from_json(json.loads(json.dumps(to_json(application)))) == application
    resolution = resolve(application, environment=environment, files=ProgramFiles(tmp_path), report=report)
    assert report.diagnostics == []
    bundle = render(resolution.graph, resolution.setting, region="eu-central-1")
    return {
        stack.name: json.loads(bundle.files[f"cloudformation/{stack.template}"])["Resources"]
        for stack in bundle.manifest.stacks
    }


def mistakes(run_program: RunProgram, text: str, tmp_path: Any) -> list[tuple[str, str]]:
    application, report = run_program(HEAD + text, WORK)
    assert application is not None, report.diagnostics
    with pytest.raises(ProgramError) as raised:
        resolve(application, environment="prod", files=ProgramFiles(tmp_path), report=report)
    return [(item.code, item.message) for item in raised.value.diagnostics]


def policy(stacks: dict[str, Any]) -> list[Any]:
    resources = stacks["unit-function"]
    statements = resources["UnitFunctionRolePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    return [item["Resource"] for item in statements if item["Sid"] != "WriteLogs"]


TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/old_carts"


def test_an_adopted_table_has_no_stack_and_its_arn_is_granted(run_program: RunProgram, tmp_path: Any) -> None:
    text = UNIT + f'unit.reads_from(Databases.KeyValue("carts", existing="{TABLE}"))\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert set(stacks) == {"unit-function"}
    assert policy(stacks) == [[TABLE]]
    variables = stacks["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]
    assert json.loads(variables["KLOTHO_DATASTORE_CARTS"])["table"] == "old_carts"


def test_a_name_alone_is_in_the_place_deployed_to(run_program: RunProgram, tmp_path: Any) -> None:
    text = UNIT + 'unit.reads_from(Databases.KeyValue("carts", existing="old_carts"))\n'
    (granted,) = policy(templates(run_program, text, tmp_path=tmp_path))
    place = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/old_carts"
    assert granted == [{"Fn::Sub": place}]


def test_it_is_made_in_the_environments_that_are_not_named(run_program: RunProgram, tmp_path: Any) -> None:
    text = UNIT + f'unit.reads_from(Databases.KeyValue("carts", existing={{"prod": "{TABLE}"}}))\n'
    assert set(templates(run_program, text, "prod", tmp_path)) == {"unit-function"}
    assert set(templates(run_program, text, "local", tmp_path)) == {"carts-keyvalue", "unit-function"}


def test_a_queue_a_secret_and_a_function_are_adopted(run_program: RunProgram, tmp_path: Any) -> None:
    queue = "arn:aws:sqs:eu-west-1:123456789012:jobs.fifo"
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-a1B2c3"
    function = "arn:aws:lambda:eu-west-1:123456789012:function:price"
    text = UNIT + (
        f'unit.sends_to(Messaging.Queue("jobs", existing="{queue}"))\n'
        f'unit.uses(Secret("stripe", existing="{secret}"))\n'
        f'unit.calls(Compute.Function("price", handler="work.handler", existing="{function}"))\n'
    )
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert set(stacks) == {"unit-function"}
    assert sorted(map(str, policy(stacks))) == sorted(str([arn]) for arn in (queue, secret, function))
    variables = stacks["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]
    url = json.dumps(variables["KLOTHO_QUEUE_JOBS"])
    assert "https://sqs.eu-west-1." in url
    assert "/123456789012/jobs.fifo" in url
    assert '\\\\\\"fifo\\\\\\":true' in url or '\\"fifo\\":true' in url


@pytest.mark.parametrize(
    ("construct", "given"),
    [
        ("Databases.KeyValue", "arn:aws:sqs:eu-west-1:123456789012:carts"),
        ("Databases.KeyValue", "arn:aws:dynamodb:eu-west-1:123456789012:index/carts"),
        ("Databases.KeyValue", "arn:aws:dynamodb::123456789012:table/carts"),
        ("Databases.KeyValue", "arn:aws:dynamodb:eu-west-1:1234:table/carts"),
        ("Databases.KeyValue", "a b"),
        ("Messaging.Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"),
        ("Secret", "stripe"),
        ("Databases.Postgres", "arn:aws:rds:eu-west-1:123456789012:cluster:orders"),
    ],
)
def test_what_is_no_id_of_the_kind_is_refused(
    run_program: RunProgram, tmp_path: Any, construct: str, given: str
) -> None:
    found = mistakes(run_program, f'{construct}("carts", existing="{given}")\n', tmp_path)
    assert [code for code, _ in found] == ["bad-existing"]


def test_nothing_of_what_is_adopted_is_changed(run_program: RunProgram, tmp_path: Any) -> None:
    text = (
        'old = Compute.Function("old", handler="work.handler", existing="old")\nold.sends_to(Messaging.Queue("jobs"))\n'
    )
    assert mistakes(run_program, text, tmp_path) == [
        ("existing-changed", 'Compute.Function "old" is there already (`existing=`): `sends_to` would change its role')
    ]


@pytest.mark.parametrize(
    "text",
    [
        'Storage.Bucket("b", existing="legacy-bucket", versioning=True)\n',
        'Messaging.Queue("q", existing="legacy", visibility=60)\n',
        'Databases.KeyValue("t", existing="legacy", ttl="expires")\n',
        UNIT + 'unit.triggered_by(Storage.Bucket("b", existing="legacy-bucket"))\n',
    ],
)
def test_what_would_have_no_effect_on_what_is_there_is_refused(
    run_program: RunProgram, tmp_path: Any, text: str
) -> None:
    assert [code for code, _ in mistakes(run_program, text, tmp_path)] == ["existing-changed"]


def test_parameters_count_in_the_environments_where_it_is_made(run_program: RunProgram, tmp_path: Any) -> None:
    text = 'Messaging.Queue("q", existing={"prod": "legacy"}, visibility=60)\n'
    (resource,) = templates(run_program, text, "local", tmp_path)["q-queue"].values()
    assert resource["Properties"]["VisibilityTimeout"] == 60


@pytest.mark.parametrize("name", ["template1", "postgres", "rdsadmin"])
def test_a_database_is_none_of_the_server_s_own(run_program: RunProgram, tmp_path: Any, name: str) -> None:
    found = mistakes(run_program, f'Databases.Postgres("{name}")\n', tmp_path)
    assert [code for code, _ in found] == ["name-reserved"]


def test_a_subscription_is_made_where_the_arn_says_the_topic_is(run_program: RunProgram, tmp_path: Any) -> None:
    arn = "arn:aws:sns:us-west-2:123456789012:news"
    made = 'news = Messaging.Topic("news", existing={"prod": "ARN", "test": "news"})\nunit.subscribes_to(news)\n'
    text = UNIT + made.replace("ARN", arn)
    far = templates(run_program, text, tmp_path=tmp_path)["unit-function"]["UnitSubscribesToNews"]["Properties"]
    assert (far["TopicArn"], far["Region"]) == (arn, "us-west-2")
    assert "RedrivePolicy" not in far, "a subscription takes a dead letter queue of its own region only"
    near = templates(run_program, text, environment="test", tmp_path=tmp_path)["unit-function"]
    assert "Region" not in near["UnitSubscribesToNews"]["Properties"]
    assert "RedrivePolicy" in near["UnitSubscribesToNews"]["Properties"]


NETWORK = 'Network(existing="vpc-0a1b2c3d4e5f60718", subnets=["subnet-0a1b2c3d", "subnet-0a1b2c3e"])\n'
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-a1B2c3"


def manifest(run_program: RunProgram, text: str, tmp_path: Any) -> Any:
    application, report = run_program(HEAD + text, WORK)
    assert application is not None, report.diagnostics
    resolution = resolve(application, environment="prod", files=ProgramFiles(tmp_path), report=report)
    return render(resolution.graph, resolution.setting, region="eu-central-1").manifest


def types(stacks: dict[str, Any]) -> set[str]:
    return {item["Type"] for resources in stacks.values() for item in resources.values()}


def test_of_a_database_is_looked_up_what_nobody_tells(run_program: RunProgram, tmp_path: Any) -> None:
    text = NETWORK + UNIT + 'unit.reads_from(Databases.Postgres("orders", existing="orders-prod"))\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert types(stacks).isdisjoint({"AWS::RDS::DBInstance", "AWS::EC2::VPC", "AWS::EC2::Subnet"})
    role = stacks["unit-function"]["UnitRolePostgresOrders"]["Properties"]
    assert role["Adopted"] is True
    assert role["Host"] == {"Ref": "OrdersPostgresAdoptedEndpointAddress"}
    (step,) = manifest(run_program, text, tmp_path).steps
    assert (step.step, step.properties["type"], step.properties["identifier"]) == (
        "adopted",
        "AWS::RDS::DBInstance",
        "orders-prod",
    )
    assert step.properties["facts"] == {
        "Endpoint.Address": "endpoint",
        "Endpoint.Port": "port",
        "DBName": "database",
        "MasterUserSecret.SecretArn": "admin_secret",
        "VPCSecurityGroups.0": "security_group",
    }


def test_what_is_told_of_a_database_is_not_looked_up(run_program: RunProgram, tmp_path: Any) -> None:
    told = f'endpoint="db.internal", port=5433, database="shop", admin_secret="{SECRET}", security_group="sg-0a1b2c3d"'
    text = NETWORK + UNIT + f'unit.reads_from(Databases.Postgres("orders", existing=Existing("orders", {told})))\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert manifest(run_program, text, tmp_path).steps == ()
    role = stacks["unit-function"]["UnitRolePostgresOrders"]["Properties"]
    found = {name: role[name] for name in ("Host", "Port", "Database", "Master")}
    assert found == {"Host": "db.internal", "Port": 5433, "Database": "shop", "Master": SECRET}
    rules = [item["Properties"] for item in stacks["unit-function"].values() if item["Type"].endswith("Ingress")]
    assert [(rule["GroupId"], rule["FromPort"]) for rule in rules] == [("sg-0a1b2c3d", 5433)]


def test_no_rule_is_made_where_it_lets_its_callers_in_itself(run_program: RunProgram, tmp_path: Any) -> None:
    made = 'unit.reads_from(Databases.Postgres("orders", existing=Existing("orders", ingress=False)))\n'
    inside = templates(run_program, NETWORK + UNIT + made, tmp_path=tmp_path)
    assert "AWS::EC2::SecurityGroupIngress" not in types(inside)
    assert "VpcConfig" in inside["unit-function"]["UnitFunction"]["Properties"]
    outside = templates(run_program, UNIT + made, tmp_path=tmp_path)
    assert "VpcConfig" not in outside["unit-function"]["UnitFunction"]["Properties"]


def test_a_cache_is_used_with_the_logins_that_are_told(run_program: RunProgram, tmp_path: Any) -> None:
    told = f'secret="{SECRET}", read_secret="{SECRET[:-1]}4", security_group="sg-0a1b2c3d"'
    text = (
        NETWORK + UNIT + f'cache = Databases.Redis("hot", existing=Existing("hot", {told}))\nunit.reads_from(cache)\n'
    )
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert not any(item.startswith("AWS::ElastiCache") for item in types(stacks))
    assert [f"{SECRET[:-1]}4"] in policy(stacks)
    wider = text + "unit.writes_to(cache)\n"
    assert [SECRET] in policy(templates(run_program, wider, tmp_path=tmp_path))


def test_an_application_has_a_client_of_its_own_in_a_pool_or_the_one_that_is_told(
    run_program: RunProgram, tmp_path: Any
) -> None:
    text = UNIT + 'unit.uses(Auth.UserPool("users", existing=POOL))\n'
    own = templates(run_program, text.replace("POOL", '"eu-west-1_aBcDeFgHi"'), tmp_path=tmp_path)
    assert own["users-userpool"]["UsersUserPoolClient"]["Properties"]["UserPoolId"] == "eu-west-1_aBcDeFgHi"
    assert "AWS::Cognito::UserPool" not in types(own)
    given = text.replace("POOL", 'Existing("eu-west-1_aBcDeFgHi", client="abc")')
    told = templates(run_program, given, tmp_path=tmp_path)
    assert set(told) == {"unit-function"}
    known = json.loads(
        told["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]["KLOTHO_USERPOOL_USERS"]
    )
    assert known["client"] == "abc"
    assert known["issuer"] == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aBcDeFgHi"


SERVICE = "arn:aws:ecs:eu-central-1:123456789012:service/main/pdf"


def test_a_container_is_called_where_it_is_told_to_be(run_program: RunProgram, tmp_path: Any) -> None:
    told = 'url="http://pdf.internal:8080", security_group="sg-0a1b2c3d"'
    text = NETWORK + UNIT + f'unit.calls(Compute.Container("pdf", existing=Existing("{SERVICE}", {told})))\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert not any(item.startswith(("AWS::ECS", "AWS::ServiceDiscovery")) for item in types(stacks))
    variables = stacks["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]
    assert json.loads(variables["KLOTHO_SERVICE_PDF"])["http"] == "http://pdf.internal:8080"
    rules = [item["Properties"] for item in stacks["unit-function"].values() if item["Type"].endswith("Ingress")]
    assert [(rule["GroupId"], rule["FromPort"]) for rule in rules] == [("sg-0a1b2c3d", 8080)]


def test_an_api_reaches_an_existing_container_by_cloud_map(run_program: RunProgram, tmp_path: Any) -> None:
    text = NETWORK + f'API("door").attach_service(Compute.Container("pdf", existing="{SERVICE}"), route="/pdf")\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    (integration,) = [
        item["Properties"]
        for resources in stacks.values()
        for item in resources.values()
        if item["Type"] == "AWS::ApiGatewayV2::Integration"
    ]
    assert integration["IntegrationUri"] == {"Ref": "PdfContainerAdoptedServiceRegistries0RegistryArn"}
    (step,) = manifest(run_program, text, tmp_path).steps
    assert step.properties["identifier"] == f"{SERVICE}|main"


LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/in/50dc6c495c0c9188/f2f7dc8efc522ab2"


def test_routes_of_an_existing_private_api_are_rules_after_those_it_has(run_program: RunProgram, tmp_path: Any) -> None:
    made = f'inner = API("inner", public=False, existing=Existing("{LISTENER}", priority=40000))\n'
    text = NETWORK + UNIT + made + 'inner.attach_service(unit, route="/unit")\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert "AWS::ElasticLoadBalancingV2::LoadBalancer" not in types(stacks)
    (rule,) = [item["Properties"] for item in stacks["unit-function"].values() if item["Type"].endswith("ListenerRule")]
    assert rule["ListenerArn"] == LISTENER
    assert 40_000 <= rule["Priority"] <= 50_000
    (step,) = manifest(run_program, text, tmp_path).steps
    assert step.properties["identifier"] == LISTENER.replace(":listener/", ":loadbalancer/").rpartition("/")[0]


def test_of_an_existing_domain_only_a_mapping_is_made(run_program: RunProgram, tmp_path: Any) -> None:
    made = 'Domain("shop.example", existing=Existing("shop.example", path="v2"), exposes=API("door"))\n'
    stacks = templates(run_program, made, tmp_path=tmp_path)
    (mapping,) = [item for resources in stacks.values() for item in resources.values() if "Domain" in str(item)]
    assert mapping["Type"] == "AWS::ApiGatewayV2::ApiMapping"
    assert (mapping["Properties"]["DomainName"], mapping["Properties"]["ApiMappingKey"]) == ("shop.example", "v2")


def test_the_address_of_an_existing_site_is_looked_up(run_program: RunProgram, tmp_path: Any) -> None:
    text = 'site = Site("web", existing="E1A2B3C4D5E6F7")\n'
    text += 'Compute.Function("unit", handler="work.handler", environment={"FRONT": site.url})\n'
    stacks = templates(run_program, text, tmp_path=tmp_path)
    assert set(stacks) == {"unit-function"}
    variables = stacks["unit-function"]["UnitFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["FRONT"] == {"Fn::Sub": "https://${WebSiteAdoptedDomainName}"}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (UNIT + 'unit.reads_from(Databases.Postgres("o", existing="orders"))\n', "existing-elsewhere", "network"),
        (NETWORK + 'Databases.Redis("r", existing=Existing("hot", ingress=False))\n', "bad-existing", "`secret`"),
        (NETWORK + f'Databases.Redis("r", existing=Existing("hot", secret="{SECRET}"))\n', "bad-existing", "group"),
        ('Databases.KeyValue("t", existing=Existing("things", port=1))\n', "bad-existing", "says nothing"),
        (NETWORK + UNIT + f'unit.calls(Compute.Container("p", existing="{SERVICE}"))\n', "bad-existing", "is called"),
        ('Schedule("nightly", every="1 day", existing="x")\n', "bad-existing", "adopted"),
        ('Auth.OIDC("o", issuer="https://a.example", audience="a", existing="x")\n', "bad-existing", "adopted"),
        ('Domain("a.example", existing="b.example", exposes=API("door"))\n', "bad-existing", "as another domain"),
        ('Domain("a.example", existing="a.example", exposes=Site("web"))\n', "bad-existing", "a CDN's names"),
        ('Domain("a.example", exposes=Site("web", existing="E1A2B3C4D5E6F7"))\n', "existing-changed", "Distribution"),
    ],
)  # fmt: skip
def test_what_an_existing_one_can_t_be_is_refused_with_the_reason(
    run_program: RunProgram, tmp_path: Any, text: str, code: str, said: str
) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<h1>hello</h1>")
    found = mistakes(run_program, text, tmp_path)
    assert [item for item, _ in found if item != "auth-unused"] == [code], found
    assert any(said in message for _, message in found), found


def test_a_private_api_can_t_be_in_front_of_a_container_that_is_there(run_program: RunProgram, tmp_path: Any) -> None:
    inner = 'API("inner", public=False).attach_service'
    found = mistakes(run_program, NETWORK + f'{inner}(Compute.Container("p", existing="{SERVICE}"), "/p")\n', tmp_path)
    assert [code for code, _ in found] == ["existing-changed"]


def test_a_mistake_in_what_is_told_is_said_once(run_program: RunProgram) -> None:
    _, report = run_program(HEAD + 'Databases.Postgres("o", existing=Existing("orders", port="x"))\n', WORK)
    assert [item.message for item in report.diagnostics] == [
        '`port` of klotho.Existing must be a whole number from 1 to 65535, not "x"'
    ]
