"""Login roles in templates: who owns what, who may read which secret, and what changes when a consumer comes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klotho.catalogue.retention import retention
from klotho.resources.naming import login_name
from tests.unit.engine.conftest import Builder

FILE = "cloudformation/{}.template.json"
READ = {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}


def shop(app: Builder, *consumers: str) -> dict[str, dict[str, Any]]:
    """Templates by stack of a database with these consumers: `web reads_from`, …"""
    app.add("postgres", "db").add("container", "web").add("function", "work").add("function", "other")
    for consumer in consumers:
        name, verb = consumer.split()
        app.says(name, verb, "db")
    bundle = app.bundle()
    return {stack.name: json.loads(bundle.files[FILE.format(stack.name)]) for stack in bundle.manifest.stacks}


def of_type(template: dict[str, Any], type_name: str) -> dict[str, dict[str, Any]]:
    return {name: item for name, item in template["Resources"].items() if item["Type"] == type_name}


def test_a_consumer_has_a_role_a_secret_and_a_permission_of_its_own(app: Builder) -> None:
    web = shop(app, "web reads_from")["web-container"]
    ((secret, made),) = of_type(web, "AWS::SecretsManager::Secret").items()
    assert "DeletionPolicy" not in made, "a login goes with its role"
    ((name, role),) = of_type(web, "Custom::SqlRole").items()
    properties = role["Properties"]
    user = json.loads(made["Properties"]["GenerateSecretString"]["SecretStringTemplate"])["username"]
    assert (properties["Access"], properties["User"], properties["Engine"]) == ("read", user, "postgres")
    assert properties["ServiceTimeout"] == 300
    assert properties["Login"] == {"Fn::GetAtt": [secret, "Id"]}
    assert name in web["Resources"]["WebService"]["DependsOn"]
    (permission,) = role["DependsOn"]  # the others are of the database's stack, which is deployed before
    statement = web["Resources"][permission]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (set(statement["Action"]), statement["Resource"]) == (READ, [{"Fn::GetAtt": [secret, "Id"]}])


def test_the_master_s_secret_is_read_by_the_function_that_makes_roles_and_nobody_else(app: Builder) -> None:
    for stack, template in shop(app, "web read_writes_to", "work reads_from").items():
        named = {
            name for name, item in template["Resources"].items() if "MasterUserSecret" in json.dumps(item["Properties"])
        }
        roles = set(of_type(template, "Custom::SqlRole"))
        # A role says where the secret is; the function that reads it has the only permission.
        assert named == ({"DbRolesMasterPermission"} if stack == "db-postgres" else roles)


def test_a_second_consumer_changes_nothing_of_the_database_s_stack(app: Builder) -> None:
    first = shop(Builder(app.root), "web reads_from")
    second = shop(app, "web reads_from", "work read_writes_to", "other writes_to")
    assert first["db-postgres"] == second["db-postgres"]
    assert len(of_type(second["work-function"], "Custom::SqlRole")) == 1
    assert of_type(first["work-function"], "Custom::SqlRole") == {}


def test_without_a_consumer_there_is_no_function(app: Builder) -> None:
    templates = shop(app)
    assert not of_type(templates["db-postgres"], "AWS::Lambda::Function")
    assert not [name for name in templates["db-postgres"]["Parameters"] if "Code" in name]


def test_all_verbs_of_one_unit_are_one_role(app: Builder) -> None:
    web = shop(app, "web reads_from", "web writes_to")["web-container"]
    ((_, role),) = of_type(web, "Custom::SqlRole").items()
    assert role["Properties"]["Access"] == "read_write"


def test_connections_without_tls_are_refused(app: Builder) -> None:
    database = shop(app, "web reads_from")["db-postgres"]
    ((name, group),) = of_type(database, "AWS::RDS::DBParameterGroup").items()
    assert group["Properties"]["Parameters"] == {"rds.force_ssl": "1"}
    assert group["Properties"]["Family"] == "postgres18"
    ((_, instance),) = of_type(database, "AWS::RDS::DBInstance").items()
    assert instance["Properties"]["DBParameterGroupName"] == {"Ref": name}


def test_the_function_reaches_what_it_needs_without_a_nat_gateway(app: Builder) -> None:
    app.add("postgres", "db").add("function", "work").says("work", "reads_from", "db")
    graph = app.resolve().graph
    assert "AWS::EC2::NatGateway" not in [item.type for item in graph]
    assert graph["shared:s3-endpoint"].properties["VpcEndpointType"] == "Gateway"
    rule = graph["Databases.Postgres/db:roles-security-group-to-endpoints"].properties
    assert (rule["FromPort"], rule["GroupId"].resource) == (443, "shared:endpoint-security-group")
    assert "Databases.Postgres/db:postgres-security-group-to-endpoints" not in graph, "a database calls nobody"


def test_in_one_stack_the_function_works_as_long_as_there_is_a_role(app: Builder) -> None:
    app.add("postgres", "db").add("function", "work").says("work", "reads_from", "db")
    graph = app.resolve().graph
    role = graph["Compute.Function/work:role-postgres-db"]
    waits = {"roles-master-permission", "roles-reach-database"}
    assert {f"Databases.Postgres/db:{name}" for name in waits} < set(role.depends_on)
    function = graph["Databases.Postgres/db:roles-function"]
    assert "Databases.Postgres/db:roles-security-group-to-endpoints" in function.depends_on


def test_only_generated_secrets_go_with_their_stack() -> None:
    assert retention("AWS::SecretsManager::Secret", {"GenerateSecretString": {}}) is None
    assert retention("AWS::SecretsManager::Secret", {"Description": "x"}) is not None
    assert retention("AWS::EC2::VPC", {}) is None


@pytest.mark.parametrize("name", ["orders", "Ünïcode", "9lives", "a" * 80, "___", "with-dash.and.dots"])
def test_logins_fit_every_engine(name: str) -> None:
    login = login_name(name, "0123456789abcdef")
    assert len(login) <= 32
    assert login.isascii() and login[0].isalpha() and login.replace("_", "").isalnum() and login == login.lower()
    assert login != login_name(name, "123456789abcdef0")
