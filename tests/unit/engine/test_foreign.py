"""Constructs of other applications of the project: every pair works with the other end elsewhere, and changes nothing
there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from klotho.application import Construct, Existing, token
from klotho.catalogue.foreign import ForeignConstruct
from klotho.catalogue.kinds import IMPLEMENTATIONS
from klotho.catalogue.relationships import PAIRS
from klotho.catalogue.rules import Implementation
from klotho.emit import Bundle
from klotho.resources import Foreign, owner_of, references_in
from tests.unit.engine.conftest import Builder

NewApp = Callable[[], Builder]

KINDS: dict[str, dict[str, Any]] = {
    "Compute.Container": {"context": "services/web", "ports": {"http": 8080, "grpc": 9090}},
    "Compute.Function": {"handler": "functions/work.handler"},
    "Auth.OIDC": {"issuer": "https://login.example.com", "audience": "shop"},
    "Schedule": {"every": "1 day"},
    "Site": {"directory": "web"},
    "Databases.KeyValue": {"indexes": {"by_user": {"key": [["user", "S"]]}}},
}
"""What a construct of the kind is given."""
SAID: dict[str, dict[str, Any]] = {"attach_service": {"route": "/orders"}}
PRIVATE = {"public": False}
ROWS = sorted(
    {(verb, actor, target) for pair in PAIRS for verb in pair.verbs for actor in pair.actors for target in pair.targets}
)
ON_FOREIGN = ("attach_service", "exposes")
"""What is said by the one who is reached, of an actor that is elsewhere."""
SAID_BY_OWNER = (
    ("attach_service", "API", "Compute.Container"),
    ("attach_service", "API", "Compute.Function"),
    ("exposes", "Domain", "Site"),
    ("authenticates_with", "API", "Compute.Container"),
)
VARIANTS: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("calls", "Compute.Container", "Compute.Container", {}, {"protocol": "grpc"}),
    ("calls", "Compute.Function", "Compute.Function", {}, {"protocol": "async"}),
    ("calls", "Compute.Function", "API", PRIVATE, {}),
    ("reads_from", "Compute.Function", "Databases.Redis", {"cluster": True}, {}),
    ("subscribes_to", "Compute.Container", "Messaging.Topic", {"fifo": True}, {}),
]


def named(kind: str, name: str) -> str:
    return f"{name}.example" if kind == "Domain" else name


def add(app: Builder, kind: str, name: str, **more: Any) -> Construct:
    (app.root / "web").mkdir(exist_ok=True)
    (app.root / "web" / "index.html").touch()
    app.constructs.append(Construct(kind, named(kind, name), {**KINDS.get(kind, {}), **more}, app._span()))
    return app.constructs[-1]


def take(app: Builder, owner: Builder, construct: Construct) -> Construct:
    """`from_project=True` in the application, as the owner has published it."""
    bundle = owner.bundle()
    taken = Construct(construct.kind, construct.name, {}, app._span(), from_project=True)
    app.constructs.append(taken)
    shared = bundle.manifest.shared[construct.id]
    app.foreign[taken.id] = ForeignConstruct(owner.application(), construct, shared, "/work/owner")
    return taken


@pytest.fixture
def owner(another_app: NewApp) -> Builder:
    found = another_app()
    found.name, found.project = "owner", "acme"
    return found


@pytest.fixture
def user(app: Builder) -> Builder:
    app.name, app.project = "user", "acme"
    return app


def is_ours(bundle: Bundle, app: Builder) -> None:
    """Everything made is in stacks of the application, and no template names anything it does not hold."""
    assert all(stack.stack_name.startswith(("acme--user--", "acme--local--")) for stack in bundle.manifest.stacks)


@pytest.mark.parametrize(("verb", "actor", "target"), [row for row in ROWS if row not in SAID_BY_OWNER])
def test_a_construct_of_this_application_uses_one_of_another(
    verb: str, actor: str, target: str, user: Builder, owner: Builder
) -> None:
    private = PRIVATE if (verb, target) == ("calls", "API") else {}
    uses(verb, actor, target, private, SAID.get(verb, {}), user, owner)


@pytest.mark.parametrize(("verb", "actor", "target", "properties", "said"), VARIANTS)
def test_a_construct_uses_another_kind_of_the_same(
    verb: str, actor: str, target: str, properties: Any, said: Any, user: Builder, owner: Builder
) -> None:
    uses(verb, actor, target, properties, said, user, owner)


def uses(
    verb: str, actor: str, target: str, properties: dict[str, Any], said: dict[str, Any], user: Builder, owner: Builder
) -> None:
    theirs = take(user, owner, add(owner, target, "theirs", **properties))
    mine = add(user, actor, "mine", **({"fifo": True} if properties.get("fifo") and actor == "Messaging.Queue" else {}))
    user.says(mine.name, verb, theirs.name, **said)
    graph = user.resolve().graph
    assert not [item.key for item in graph if owner_of(item.key) == theirs.id]
    if target not in ("Schedule", "Auth.OIDC"):
        taken = [item for resource in graph for item in references_in(resource.properties) if isinstance(item, Foreign)]
        assert {item.application for item in taken} == {"owner"}
    is_ours(user.bundle(), user)


@pytest.mark.parametrize("kind", ["Compute.Container", "Compute.Function"])
@pytest.mark.parametrize("properties", [{}, PRIVATE], ids=["public", "private"])
def test_a_service_attaches_itself_to_an_api_of_another_application(
    kind: str, properties: dict[str, Any], user: Builder, owner: Builder
) -> None:
    api = take(user, owner, add(owner, "API", "theirs", **properties))
    user.says(api.name, "attach_service", add(user, kind, "mine").name, route="/mine")
    graph = user.resolve().graph
    assert {owner_of(item.key) for item in graph if "Route" in item.type and "ApiGateway" in item.type} <= {
        f"{kind}/mine"
    }
    is_ours(user.bundle(), user)


@pytest.mark.parametrize("target", ["API", "Site"])
def test_what_is_exposed_under_a_domain_of_another_application_is_in_stacks_of_this_one(
    target: str, user: Builder, owner: Builder
) -> None:
    domain = take(user, owner, add(owner, "Domain", "theirs", zone="Z0123456789ABCDEFGHIJ"))
    user.says(domain.name, "exposes", add(user, target, "mine").name)
    bundle = user.bundle()
    assert [stack.name for stack in bundle.manifest.stacks if domain.id in stack.constructs]
    is_ours(bundle, user)


@pytest.mark.parametrize(("verb", "actor", "target"), SAID_BY_OWNER)
def test_what_an_owner_has_to_say_is_refused(verb: str, actor: str, target: str, user: Builder, owner: Builder) -> None:
    theirs = take(user, owner, add(owner, target, "theirs"))
    user.says(add(user, actor, "mine").name, verb, theirs.name, **SAID.get(verb, {}))
    problem = next(item for item in user.problems() if item.code == "said-by-owner")
    assert "`owner`" in problem.message and problem.helps


@pytest.mark.parametrize(("verb", "actor", "target"), [row for row in ROWS if row[0] not in ON_FOREIGN])
def test_what_a_construct_of_another_application_does_is_refused(
    verb: str, actor: str, target: str, user: Builder, owner: Builder
) -> None:
    theirs = take(user, owner, add(owner, actor, "theirs"))
    mine = add(user, target, "mine", **(PRIVATE if target == "API" else {}))
    user.says(theirs.name, verb, mine.name)
    assert "said-by-owner" in user.codes()


@pytest.mark.parametrize(
    "implementation", IMPLEMENTATIONS, ids=[f"{item.kind}-{item.name}" for item in IMPLEMENTATIONS]
)
def test_every_output_of_a_construct_of_another_application_is_known(
    implementation: Implementation, user: Builder, owner: Builder
) -> None:
    outputs = {name: spec for name, spec in implementation.outputs.items() if not spec.secret}
    given = PRIVATE if implementation.name == "internal-alb" else {}
    theirs = take(user, owner, add(owner, implementation.kind, "theirs", **given))
    told = {name: token(theirs.id, name) for name in outputs}
    add(user, "Compute.Function", "mine", environment=told)
    add(user, "Site", "pages", environment={name: told[name] for name, spec in outputs.items() if not spec.internal})
    if theirs.kind != "Network":
        assert user.bundle().manifest.sites


def test_routes_of_an_api_that_another_application_guards_are_guarded(user: Builder, owner: Builder) -> None:
    api = add(owner, "API", "theirs")
    pool = add(owner, "Auth.UserPool", "people")
    owner.says(api.name, "authenticates_with", pool.name)
    take(user, owner, api)
    mine = add(user, "Compute.Function", "mine")
    user.says(api.name, "attach_service", mine.name, route="/mine")
    graph = user.resolve().graph
    routes = [item for item in graph if item.type == "AWS::ApiGatewayV2::Route"]
    assert {item.properties["AuthorizationType"] for item in routes} == {"JWT"}
    told = {item.properties["AuthorizerId"].output for item in routes}
    assert told == {"TheirsAuthorizerUserpoolPeopleRef"}
    variables = graph["Compute.Function/mine:function"].properties["Environment"]["Variables"]  # type: ignore[index]
    assert variables["KLOTHO_CALLER"] == "api"


def test_who_trusts_its_api_is_not_called_from_elsewhere(user: Builder, owner: Builder) -> None:
    api, service = add(owner, "API", "front"), add(owner, "Compute.Function", "theirs")
    owner.says(api.name, "authenticates_with", add(owner, "Auth.UserPool", "people").name)
    owner.says(api.name, "attach_service", service.name, route="/orders")
    take(user, owner, service)
    user.says(add(user, "Compute.Function", "mine").name, "calls", "theirs")
    assert user.codes() == ["said-by-owner"]


def test_a_queue_that_hides_messages_for_too_short_is_refused_at_the_consumer(user: Builder, owner: Builder) -> None:
    take(user, owner, add(owner, "Messaging.Queue", "jobs"))
    user.says(add(user, "Compute.Function", "mine", timeout=60).name, "consumes", "jobs")
    problem = next(item for item in user.problems() if item.code == "said-by-owner")
    assert "hides a message for 30 s" in problem.message and "visibility=360" in problem.helps[0]


def test_an_owner_that_told_less_is_asked_to_be_deployed_again(user: Builder, owner: Builder) -> None:
    theirs = take(user, owner, add(owner, "Databases.KeyValue", "carts"))
    known = user.foreign[theirs.id]
    user.foreign[theirs.id] = replace(known, shared=replace(known.shared, exports=()))
    user.says(add(user, "Compute.Function", "mine").name, "reads_from", "carts")
    problem = next(item for item in user.problems() if item.code == "not-shared")
    assert problem.helps == ("run `klotho up` where `owner` is, then here",)


def test_what_nobody_published_and_what_is_in_no_project_are_refused(user: Builder, app: Builder) -> None:
    user.constructs.append(Construct("Databases.KeyValue", "carts", {}, user._span(), from_project=True))
    problem = user.problems()[0]
    assert problem.code == "not-in-project" and "nobody has published it" in problem.message
    app.project = "default"
    assert "needs a project" in app.problems()[0].message


def test_parameters_directives_and_requirements_are_the_owners(user: Builder, owner: Builder) -> None:
    theirs = take(user, owner, add(owner, "Databases.KeyValue", "carts"))
    user.constructs[-1] = replace(theirs, properties={"ttl": "until"})
    user.directive("carts", "use", "dynamodb").directive("carts", "override", "AWS::DynamoDB::Table", TableClass="X")
    user.requires("carts", "availability", 99.9)
    assert user.codes().count("said-by-owner") == 4


def test_what_the_owner_adopts_is_adopted(user: Builder, owner: Builder) -> None:
    there = Construct("Messaging.Queue", "jobs", {}, owner._span(), existing=Existing("old-jobs"))
    owner.constructs.append(there)
    take(user, owner, there)
    user.says(add(user, "Compute.Function", "mine").name, "sends_to", "jobs")
    policy = user.resolve().graph["Compute.Function/mine:function-role-policy"].properties  # type: ignore[index]
    assert "old-jobs" in str(policy)


@pytest.mark.parametrize("kind", sorted({item.kind for item in IMPLEMENTATIONS}))
def test_a_consumer_changes_no_template_of_the_owner(kind: str, another_app: NewApp) -> None:
    """Shares are there whether or not somebody takes them, and the same for everybody."""
    first, second = another_app(), another_app()
    for builder in (first, second):
        builder.name, builder.project = "owner", "acme"
        add(builder, kind, "theirs")
    assert first.bundle().files == second.bundle().files
    assert (kind in ("Schedule", "Auth.OIDC", "Domain", "Network")) is not any(
        item.exports for item in first.bundle().manifest.shared.values()
    )
