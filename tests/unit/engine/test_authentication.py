"""Who may call which route: rules laid over routes, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.application import Application, Construct, ConstructId, Existing, Relationship
from klotho.application.access import guarded_keys
from klotho.diagnostics import Span
from klotho.localcloud.planes.gateway.routes import RouteTable
from klotho.resources import Ref, ResourceKey
from tests.unit.engine.conftest import Builder

API, LOGIN, STAFF = ConstructId("API/a"), ConstructId("Auth.OIDC/login"), ConstructId("Auth.OIDC/staff")
ISSUER = {"issuer": "https://login.example.com", "audience": ["shop"]}


def attach(name: str, route: str = "/", **more: Any) -> Relationship:
    return Relationship("attach_service", API, ConstructId(f"Compute.Container/{name}"), {"route": route, **more})


def guard(route: str = "/", auth: ConstructId = LOGIN, **more: Any) -> Relationship:
    return Relationship("authenticates_with", API, auth, {"route": route, **more})


def keys(*relationships: Relationship, of: int = 0, preflights: bool = False) -> dict[str, str | None]:
    application = Application("shop", relationships=relationships)
    attachment = [item for item in relationships if item.verb == "attach_service"][of]
    found = guarded_keys(application, attachment, preflights=preflights)
    return {f"{key.method} {key.route.text}": key.guard and key.guard.target.rpartition("/")[2] for key in found}


def test_without_a_rule_a_route_is_open() -> None:
    assert keys(attach("orders", "/orders")) == {"ANY /orders": None}


def test_a_rule_for_the_whole_api_guards_every_route() -> None:
    assert keys(attach("orders", "/orders"), guard()) == {"ANY /orders": "login"}


def test_a_public_service_is_open_beside_it_and_opens_nothing_else() -> None:
    program = (attach("site", "/", public=True), attach("orders", "/orders"), guard())
    assert keys(*program, of=0) == {"ANY /": None}
    assert keys(*program, of=1) == {"ANY /orders": "login"}


def test_a_rule_below_a_route_makes_keys_of_its_own() -> None:
    assert keys(attach("orders", "/orders"), guard("/orders/admin")) == {
        "ANY /orders": None,
        "ANY /orders/admin": "login",
    }


def test_the_longer_rule_wins_whatever_the_order() -> None:
    rules = (guard("/orders", STAFF), guard())
    for program in ((attach("orders", "/orders"), *rules), (attach("orders", "/orders"), *reversed(rules))):
        assert keys(*program) == {"ANY /orders": "staff"}


def test_methods_are_told_apart() -> None:
    assert keys(attach("orders", "/orders"), guard("/orders", methods=["POST"])) == {
        "ANY /orders": None,
        "POST /orders": "login",
    }
    assert keys(attach("orders", "/orders", methods=["GET", "POST"]), guard("/", methods=["POST"])) == {
        "GET /orders": None,
        "POST /orders": "login",
    }


def test_another_service_below_keeps_its_place() -> None:
    program = (attach("orders", "/orders"), attach("admin", "/orders/admin"), guard("/orders/admin"))
    assert keys(*program, of=0) == {"ANY /orders": None}
    assert keys(*program, of=1) == {"ANY /orders/admin": "login"}


def test_a_rule_meets_a_parameter() -> None:
    assert keys(attach("orders", "/orders/{id}/notes"), guard("/orders/admin")) == {
        "ANY /orders/{id}/notes": None,
        "ANY /orders/admin/notes": "login",
    }


def test_preflights_of_browsers_need_no_token() -> None:
    """`ANY` would take OPTIONS too; with the other methods named, API Gateway answers preflights itself."""
    found = keys(attach("orders", "/orders"), guard(), preflights=True)
    assert set(found) == {f"{method} /orders" for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")}
    assert set(found.values()) == {"login"}


@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "TRACE"])
@pytest.mark.parametrize("path", [["admin"], ["admin", "x"]])
def test_with_cors_no_method_goes_around_a_guard(method: str, path: list[str]) -> None:
    """Not even through another service's open route: what no route takes is answered by the gateway."""
    for program in (
        (attach("web"), guard("/admin")),
        (attach("web"), attach("admin", "/admin"), guard("/admin")),
        (attach("web", public=True), attach("admin", "/admin"), guard()),
    ):
        table = {}
        for of in range(sum(item.verb == "attach_service" for item in program)):
            for key, who in keys(*program, of=of, preflights=True).items():
                table[key] = table[f"{key.rstrip('/')}/{{proxy+}}"] = who
        assert RouteTable(table).match(method, path) is None
        assert (found := RouteTable(table).match("GET", path)) and found.target == "login"


def test_an_options_asked_for_by_name_is_guarded_below_its_open_route() -> None:
    program = (attach("web", methods=["GET", "OPTIONS"]), guard("/admin"))
    found = keys(*program, preflights=True)
    assert (found["OPTIONS /"], found["OPTIONS /admin"]) == (None, "login")


def test_a_service_open_around_its_guarded_route_is_warned_of(app: Builder) -> None:
    app = guarded(app).says("shop", "authenticates_with", "login", route="/web/admin")
    (warning,) = [item for item in app.problems() if item.code == "guarded-below-open"]
    assert "`//web/admin`" in warning.message and "`public=True`" in warning.helps[0]


@pytest.mark.parametrize("route", ["/", "/web"])
def test_a_service_guarded_all_over_is_not_warned_of(app: Builder, route: str) -> None:
    app = (
        guarded(app)
        .says("shop", "attach_service", "work", route="/")
        .says("shop", "authenticates_with", "login", route=route)
    )
    assert "guarded-below-open" not in app.codes()


@pytest.mark.parametrize(("count", "said"), [(148, 0), (149, 1)])
def test_more_routes_than_aws_takes_are_said(app: Builder, count: int, said: int) -> None:
    app = guarded(app)
    for number in range(count):
        app.says("shop", "attach_service", "work", route=f"/r{number}")
    found = [item for item in app.problems() if item.code == "many-routes"]
    assert ["302 routes" in item.message for item in found] == [True] * said


_routes = st.lists(st.sampled_from(["a", "b", "{x}"]), max_size=3).map(
    lambda parts: "/" + "/".join(f"{{p{n}}}" if part == "{x}" else part for n, part in enumerate(parts))
)
_methods = st.sampled_from([None, ["GET"], ["POST"], ["GET", "POST"]])


@given(
    attachments=st.lists(st.tuples(_routes, _methods, st.booleans()), min_size=1, max_size=3, unique_by=lambda a: a[0]),
    rules=st.lists(st.tuples(_routes, _methods), max_size=3, unique_by=lambda rule: rule[0]),
    path=st.lists(st.sampled_from(["a", "b", "c"]), max_size=4),
    method=st.sampled_from(["GET", "POST", "PUT"]),
)
def test_what_the_gateway_matches_is_what_the_rules_say(
    attachments: list[Any], rules: list[Any], path: list[str], method: str
) -> None:
    """The route API Gateway would choose has the guard of the most specific rule that is about the request."""
    attached = [
        attach(f"s{n}", route, methods=names, public=public) for n, (route, names, public) in enumerate(attachments)
    ]
    guards = [guard(route, ConstructId(f"Auth.OIDC/g{n}"), methods=names) for n, (route, names) in enumerate(rules)]
    application = Application("shop", relationships=(*attached, *guards))
    open_table, table = {}, {}
    for attachment in attached:
        for key in guarded_keys(application, attachment, preflights=False):
            for place in (key.route.text, f"{key.route.text.rstrip('/')}/{{proxy+}}"):
                assert f"{key.method} {place}" not in table, "two attachments make one key"
                table[f"{key.method} {place}"] = (attachment, key.guard)
        for name in attachment.properties["methods"] or ["ANY"]:
            for place in (attachment.properties["route"], f"{attachment.properties['route'].rstrip('/')}/{{proxy+}}"):
                open_table[f"{name} {place}"] = attachment
    segments = path or [""]
    try:
        found, plain = RouteTable(table).match(method, segments), RouteTable(open_table).match(method, segments)
    except ValueError:
        return  # a key whose parameters have one name twice
    assert (found is None) == (plain is None), "a rule makes nothing reachable, and nothing unreachable"
    if found is None or plain is None:
        return
    served, guarding = found.target
    public = [served] if served.properties["public"] else []
    about = [rule for rule in (*guards, *public) if _about(rule, path, method)]
    best = max(about, key=lambda rule: _rank(rule, served), default=None)
    assert guarding is (None if best is served else best)


def _about(rule: Relationship, path: list[str], method: str) -> bool:
    wanted = [part for part in rule.properties["route"].split("/") if part]
    methods = rule.properties["methods"]
    fits = len(wanted) <= len(path) and all(
        part.startswith("{") or part == here for part, here in zip(wanted, path, strict=False)
    )
    return fits and (methods is None or method in methods)


def _rank(rule: Relationship, served: Relationship) -> tuple[int, tuple[bool, ...], bool, bool]:
    parts = [part for part in rule.properties["route"].split("/") if part]
    return (
        len(parts),
        tuple(not part.startswith("{") for part in parts),
        rule is served,
        bool(rule.properties["methods"]),
    )


def guarded(app: Builder) -> Builder:
    app.add("api", "shop").add("container", "web").add("function", "work").add("oidc", "login", **ISSUER)
    app.says("shop", "attach_service", "web", route="/web").says("shop", "attach_service", "work", route="/work")
    return app


def resources(app: Builder, kind: str) -> list[dict[str, Any]]:
    return [dict(item.properties) for item in app.resolve().graph if item.type == f"AWS::ApiGatewayV2::{kind}"]


def test_a_provider_becomes_a_jwt_authorizer_that_the_routes_name(app: Builder) -> None:
    app = guarded(app).says("shop", "authenticates_with", "login", route="/", scopes=["orders/read"])
    authorizer = resources(app, "Authorizer")
    assert [item["JwtConfiguration"] for item in authorizer] == [{"Issuer": ISSUER["issuer"], "Audience": ["shop"]}]
    assert {item["AuthorizationType"] for item in resources(app, "Route")} == {"JWT"}
    assert {tuple(item["AuthorizationScopes"]) for item in resources(app, "Route")} == {("orders/read",)}


def test_a_container_is_told_by_a_header_that_no_client_can_set(app: Builder) -> None:
    app = guarded(app).says("shop", "attach_service", "web", route="/health", public=True)
    told = [item["RequestParameters"] for item in resources(app, "Integration") if "RequestParameters" in item]
    assert told == [{"overwrite:header.x-klotho-caller": "nobody"}], "also where nothing is guarded"
    app.says("shop", "authenticates_with", "login", route="/")
    told = [item["RequestParameters"] for item in resources(app, "Integration") if "RequestParameters" in item]
    assert sorted(item["overwrite:header.x-klotho-caller"] for item in told) == ["jwt", "nobody"]


def told_of_callers(app: Builder, name: str) -> str | None:
    """What the code of a container or function is told of who can reach it."""
    for key, main in (("Container", "task-definition"), ("Function", "function")):
        resource = app.resolve().graph.resources.get(ResourceKey(f"Compute.{key}/{name}:{main}"))
        if resource is not None:
            properties = resource.properties
            if key == "Function":
                found = (properties.get("Environment") or {}).get("Variables", {})
            else:
                entries = properties["ContainerDefinitions"][0]["Environment"]
                found = {item["Name"]: item["Value"] for item in entries}
            return found.get("KLOTHO_CALLER")
    raise AssertionError(name)


@pytest.mark.parametrize("service", ["web", "work"])
def test_code_is_told_who_else_could_say_who_called(app: Builder, service: str) -> None:
    app = guarded(app)
    assert told_of_callers(app, service) is None, "nobody vouches where nothing is authenticated"
    app.says("shop", "authenticates_with", "login", route="/")
    assert told_of_callers(app, service) == "api"
    app.add("function", "mailer").says("mailer", "calls", service)
    app.add("api", "inner", public=False).says("inner", "attach_service", service, route="/in")
    # The event of a load balancer says itself where it comes from; a header does not.
    assert told_of_callers(app, service) == ("also:inner,mailer" if service == "web" else "also:mailer")


def test_a_function_of_ones_own_may_be_asked_by_this_authorizer_only(app: Builder) -> None:
    app = guarded(app).add("function", "door")
    app.says("shop", "authenticates_with", "door", route="/", identity=["header.x-key"], cache=60)
    (authorizer,) = resources(app, "Authorizer")
    assert authorizer["AuthorizerType"] == "REQUEST" and authorizer["EnableSimpleResponses"] is True
    assert authorizer["IdentitySource"] == ["$request.header.x-key", "$context.routeKey"]
    assert {item["AuthorizationType"] for item in resources(app, "Route")} == {"CUSTOM"}
    bundle = app.bundle()
    text = json.dumps([json.loads(item) for name, item in bundle.files.items() if name.endswith(".template.json")])
    assert "/authorizers/" in text


def asks(app: Builder, **more: Any) -> Builder:
    app = guarded(app).add("container", "door")
    return app.says("shop", "authenticates_with", "door", route="/", **more)


def test_a_container_of_ones_own_is_asked_by_a_function_that_may_do_nothing_else(app: Builder) -> None:
    graph = asks(app, cache=60).resolve().graph
    relay = graph[ResourceKey("API/shop:asks-door")].properties
    assert relay["Environment"]["Variables"].keys() == {"KLOTHO_AUTHORIZER"}
    assert relay["Timeout"] == 10, "as long as API Gateway waits"
    policy = graph[ResourceKey("API/shop:asks-door-role-policy")].properties["PolicyDocument"]
    actions = {action for item in policy["Statement"] for action in item["Action"] if not action.startswith("ec2:")}
    assert actions == {"servicediscovery:DiscoverInstances", "logs:CreateLogStream", "logs:PutLogEvents"}
    (authorizer,) = resources(app, "Authorizer")
    assert authorizer["IdentitySource"] == ["$request.header.authorization", "$context.routeKey"]
    assert authorizer["AuthorizerResultTtlInSeconds"] == 60
    assert {item["AuthorizationType"] for item in resources(app, "Route")} == {"CUSTOM"}


def test_only_what_asks_reaches_the_container_and_by_its_port_only(app: Builder) -> None:
    graph = asks(app).resolve().graph
    ways = [item for item in graph if item.type == "AWS::EC2::SecurityGroupIngress" and "door" in item.key]
    (rule,) = [item.properties for item in ways]
    assert rule["SourceSecurityGroupId"] == Ref(ResourceKey("API/shop:asks-door-security-group"), "GroupId")
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (8080, 8080, "tcp")


def test_an_api_and_the_container_it_asks_may_need_each_other(app: Builder) -> None:
    """The container is served by the API, and the API asks it: their stacks form no circle."""
    bundle = asks(app).says("shop", "attach_service", "door", route="/door").bundle()
    stacks = {item.name: item.depends_on for item in bundle.manifest.stacks}
    (api,) = [name for name in stacks if name.startswith("shop")]
    (door,) = [name for name in stacks if name.startswith("door")]
    assert api in stacks[door] and door not in stacks[api]


def test_each_path_is_asked_by_a_function_of_its_own(app: Builder) -> None:
    asks(app).says("shop", "authenticates_with", "door", route="/web", ask="/oauth2/auth")
    asked = [
        json.loads(item.properties["Environment"]["Variables"]["KLOTHO_AUTHORIZER"])["path"]
        for item in app.resolve().graph
        if item.type == "AWS::Lambda::Function" and item.key.startswith("API/")
    ]
    assert sorted(asked) == ["/authorize", "/oauth2/auth"]


def test_without_nat_what_asks_reaches_cloud_map_by_an_endpoint(app: Builder) -> None:
    app = asks(app)
    app.constructs.append(Construct("Network", "network", {"egress": "endpoints"}, Span("infra.py", 99)))
    graph = app.resolve().graph
    services = [str(item.properties["ServiceName"]) for item in graph if item.type == "AWS::EC2::VPCEndpoint"]
    assert [text for text in services if "data-servicediscovery" in text]
    rule = graph[ResourceKey("API/shop:asks-door-security-group-to-endpoints")].properties
    assert rule["SourceSecurityGroupId"] == Ref(ResourceKey("API/shop:asks-door-security-group"), "GroupId")


def test_a_container_is_told_that_somebody_was_asked(app: Builder) -> None:
    integrations = [item for item in resources(asks(app), "Integration") if item["IntegrationType"] == "HTTP_PROXY"]
    assert {item["RequestParameters"]["overwrite:header.x-klotho-caller"] for item in integrations} == {"function"}


def test_an_api_that_is_there_already_asks_no_container(app: Builder) -> None:
    app.add("container", "door").add("function", "work")
    app.constructs.append(Construct("API", "old", {}, Span("infra.py", 98), existing=Existing("abcdefgh12")))
    app.says("old", "attach_service", "work", route="/work").says("old", "authenticates_with", "door", route="/")
    assert "existing-changed" in app.codes()


@pytest.mark.parametrize(
    ("relations", "code"),
    [
        ([("login", {"route": "/"}), ("login", {"route": "/"})], "two-authenticators"),
        ([("login", {"route": "/a/{x}"}), ("login", {"route": "/a/{y}"})], "two-authenticators"),
        ([("login", {"route": "/wbe"})], "nothing-served"),
        ([("login", {"route": "/web", "cache": 5})], "bad-authentication"),
        ([("work", {"route": "/web", "scopes": ["x"]})], "bad-authentication"),
        ([("web", {"route": "/web", "scopes": ["x"]})], "bad-authentication"),
        ([("work", {"route": "/web", "ask": "/x"})], "bad-authentication"),
        ([("login", {"route": "/web", "ask": "/x"})], "bad-authentication"),
    ],
)
def test_mistakes(app: Builder, relations: list[tuple[str, dict[str, Any]]], code: str) -> None:
    app = guarded(app)
    for auth, properties in relations:
        app.says("shop", "authenticates_with", auth, **properties)
    assert code in app.codes()
    assert all(item.helps for item in app.problems() if item.code == code)


def test_one_that_guards_nothing_is_said_so(app: Builder) -> None:
    assert "auth-unused" in guarded(app).codes()


def pooled(app: Builder, **properties: Any) -> Builder:
    app.add("api", "shop").add("function", "work").add("userpool", "people", **properties)
    return app.says("shop", "attach_service", "work", route="/work").says(
        "shop", "authenticates_with", "people", route="/"
    )


def test_a_user_pool_says_nothing_about_who_exists_and_has_no_secret(app: Builder) -> None:
    graph = pooled(app, groups=["admin", "staff"], access_minutes=15).resolve().graph
    by_type = {item.type: dict(item.properties) for item in graph}
    pool, client = by_type["AWS::Cognito::UserPool"], by_type["AWS::Cognito::UserPoolClient"]
    assert pool["UsernameAttributes"] == ["email"] and pool["DeletionProtection"] == "INACTIVE"
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (client["PreventUserExistenceErrors"], client["GenerateSecret"]) == ("ENABLED", False)
    assert "ALLOW_USER_PASSWORD_AUTH" not in client["ExplicitAuthFlows"] and client["AccessTokenValidity"] == 15
    groups = [dict(item.properties) for item in graph if item.type == "AWS::Cognito::UserPoolGroup"]
    assert [(item["GroupName"], item["Precedence"]) for item in groups] == [("admin", 0), ("staff", 1)]
    authorizer = by_type["AWS::ApiGatewayV2::Authorizer"]["JwtConfiguration"]
    assert (authorizer["Issuer"].attribute, authorizer["Audience"][0].resource) == (
        "ProviderURL", "Auth.UserPool/people:user-pool-client",
    )  # fmt: skip


@pytest.mark.parametrize(("verb", "read", "write"), [("reads_from", True, False), ("writes_to", False, True)])
def test_administering_users_is_granted_on_exactly_this_pool(app: Builder, verb: str, read: bool, write: bool) -> None:
    graph = pooled(app).says("work", verb, "people").resolve().graph
    statements = graph["Compute.Function/work:function-role-policy"].properties["PolicyDocument"]["Statement"]  # type: ignore[index]
    mine = [item for item in statements if item["Sid"].endswith("UsersOfPeople")]
    actions = {action for item in mine for action in item["Action"]}
    assert ("cognito-idp:ListUsers" in actions, "cognito-idp:AdminDeleteUser" in actions) == (read, write)
    assert {(ref.resource, ref.attribute) for item in mine for ref in item["Resource"]} == {
        ("Auth.UserPool/people:user-pool", "Arn")
    }


def test_one_that_only_uses_a_pool_is_granted_nothing(app: Builder) -> None:
    graph = pooled(app).says("work", "uses", "people").resolve().graph
    statements = graph["Compute.Function/work:function-role-policy"].properties["PolicyDocument"]["Statement"]  # type: ignore[index]
    assert not [action for item in statements for action in item["Action"] if action.startswith("cognito-idp:")]


def test_tokens_must_not_outlive_the_sign_in(app: Builder) -> None:
    assert "bad-authentication" in pooled(app, access_minutes=1441, refresh_days=1).codes()
