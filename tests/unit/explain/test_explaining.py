"""What an explanation says, and that it is so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from klotho.application import Application
from klotho.application.files import ProgramFiles
from klotho.catalogue.policy import EnvironmentPolicy
from klotho.diagnostics import Report
from klotho.emit import render
from klotho.engine import resolve
from klotho.explain import AmbiguousTopicError, Compiled, Explainer, Explanation
from klotho.sdk.program import run

SHOP = """\
import klotho
from klotho import API, Compute, Databases, Storage
klotho.Application("shop")
orders_db = Databases.Postgres("orders_db")
orders = Compute.Container("orders", image="nginx")
images = Storage.Bucket("images")
jobs = Compute.Function("jobs", handler="jobs.handler")
orders.read_writes_to(orders_db)
orders.reads_from(images)
jobs.writes_to(images)
api = API("shop-api")
api.attach_service(orders, route="/orders")
api.attach_service(orders, route="/baskets")
orders.override("AWS::ECS::Service", {"DesiredCount": 3})
"""

Shop = Callable[..., Explainer]


def explainer_of(application: Application, folder: Path, policy: EnvironmentPolicy | None = None) -> Explainer:
    resolution = resolve(application, environment="here", files=ProgramFiles(folder), report=Report(), policy=policy)
    bundle = render(resolution.graph, resolution.setting, region="us-east-1")
    text = (folder / "infra.py").read_text().splitlines()
    return Explainer(
        Compiled(
            application,
            resolution.graph,
            bundle.keys,
            bundle.manifest,
            {item.template: bundle.files[f"cloudformation/{item.template}"] for item in bundle.manifest.stacks},
            lambda span: text[span.line - 1],
            claims={"Vpc": frozenset({"billing"})},
        )
    )


def application_of(folder: Path, text: str = SHOP) -> Application:
    (folder / "infra.py").write_text(text)
    (folder / "jobs.py").write_text("def handler(event, context): ...\n")
    application, report = run(folder / "infra.py")
    assert application is not None and not report.errors, report.errors
    return application


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    def explainer(text: str = SHOP, policy: EnvironmentPolicy | None = None) -> Explainer:
        return explainer_of(application_of(tmp_path, text), tmp_path, policy)

    return explainer


def explained(explainer: Explainer, topic: str) -> Explanation:
    found = explainer.explain(topic)
    assert found is not None, topic
    return found


@pytest.mark.parametrize(
    "topic",
    [
        "OrdersTaskRolePolicy",
        "orders.OrdersTaskRolePolicy",
        "orders.task-role-policy",
        "Container/orders.task-role-policy",
        "Compute.Container/orders:task-role-policy",
    ],
)
def test_a_resource_is_found_by_each_of_its_names(shop: Shop, topic: str) -> None:
    assert explained(shop(), topic).name == "OrdersTaskRolePolicy"


@pytest.mark.parametrize("item", ["login to orders_db", "LoginToOrdersDb", "1"])
def test_an_item_of_a_list_is_found_by_its_name_its_sid_and_its_position(shop: Shop, item: str) -> None:
    found = explained(shop(), f"OrdersTaskRolePolicy.PolicyDocument.Statement.{item}.Action")
    assert found.name == "OrdersTaskRolePolicy.PolicyDocument.Statement.login to orders_db.Action"


def test_a_name_with_dots_is_one_part_of_a_path(shop: Shop) -> None:
    found = explained(shop(), "OrdersDbDatabaseParameters.Parameters.rds.force_ssl")
    assert found.facts[0].value == '"1"'


def test_a_property_of_a_construct_is_that_of_its_resource(shop: Shop) -> None:
    assert explained(shop(), "orders.DesiredCount").name == "OrdersService.DesiredCount"


def test_what_several_have_is_asked_back(shop: Shop) -> None:
    with pytest.raises(AmbiguousTopicError) as several:
        shop().explain("orders.Tags")
    assert "OrdersService.Tags" in several.value.names
    both = SHOP.replace('Storage.Bucket("images")', 'Storage.Bucket("orders")')
    with pytest.raises(AmbiguousTopicError) as several:
        shop(both).explain("orders")
    assert several.value.names == ["Compute.Container/orders", "Storage.Bucket/orders"]
    assert explained(shop(both), "Bucket/orders").title == 'Storage.Bucket "orders"'


def test_what_is_not_there_has_no_explanation_but_neighbours(shop: Shop) -> None:
    explainer = shop()
    assert explainer.explain("ordres") is None
    assert "orders" in explainer.near("ordres")
    assert explainer.explain("OrdersService.DesiredCuont") is None
    assert "OrdersService.DesiredCount" in explainer.near("OrdersService.DesiredCuont")


def test_an_override_says_what_lost_against_it(shop: Shop) -> None:
    found = explained(shop(), "OrdersService.DesiredCount")
    (fact,) = found.facts
    assert (fact.value, fact.why.precedence, fact.why.lines[0].span.line) == ("3", "directive", 14)
    assert [(value, why.rule) for value, why in fact.rejected] == [("1", "fargate")]
    assert "1 was wanted too" in found.summary and "a directive wins over what something means" in found.summary


def test_a_protected_environment_wins_over_the_program(shop: Shop) -> None:
    found = explained(shop(policy=EnvironmentPolicy(protect=True)), "OrdersDbDatabase.BackupRetentionPeriod")
    assert found.facts[0].why.precedence == "guardrail"
    assert "the environment here is protected" in found.summary
    assert found.notes == (), "an override would not win"


def test_an_override_that_is_advised_does_what_is_said(shop: Shop) -> None:
    plain = SHOP.replace('orders.override("AWS::ECS::Service", {"DesiredCount": 3})\n', "")
    (advice,) = explained(shop(plain), "OrdersService.DesiredCount").notes
    written = advice.partition(": `")[2].rstrip("`").replace("…", "2")
    assert explained(shop(f"{plain}{written}\n"), "OrdersService.DesiredCount").facts[0].value == "2"


def test_a_permission_names_the_line_to_remove(shop: Shop) -> None:
    found = explained(shop(), "OrdersTaskRolePolicy")
    removals = {grant.path.rpartition(".")[2]: grant.removal for grant in found.grants}
    said = "remove infra.py:8 `orders.read_writes_to(orders_db)` and it goes; no other line grants it"
    assert removals["login to orders_db"] == said
    texts = " ".join(grant.text for grant in found.grants)
    assert "code of `orders` may do secretsmanager:DescribeSecret, secretsmanager:GetSecretValue" in texts


def test_a_role_says_what_its_policies_permit(shop: Shop) -> None:
    found = explained(shop(), "orders.task-role")
    assert any(
        grant.path == "OrdersTaskRolePolicy.PolicyDocument.Statement.login to orders_db" for grant in found.grants
    )


def test_what_two_lines_want_stays_until_both_are_gone(shop: Shop) -> None:
    twice = f"{SHOP}orders.writes_to(images)\n"
    grants = [grant for grant in explained(shop(twice), "OrdersTaskRolePolicy").grants if len(grant.whys) > 1]
    for grant in grants:
        assert grant.removal.startswith("it stays until all of these are removed: infra.py:9 ")
    both = explained(shop(), "orders.discovery").facts[0]
    assert [why.said or why.rule for why in (both.why, *both.also)][1:] != [], "two routes and the container want it"


@pytest.mark.parametrize(
    "more", ["", "orders.writes_to(images)\n", "jobs.reads_from(images)\njobs.read_writes_to(orders_db)\n"]
)
def test_the_line_named_takes_its_permission_with_it(more: str, tmp_path: Path) -> None:
    application = application_of(tmp_path, SHOP + more)
    explainer = explainer_of(application, tmp_path)
    checked = 0
    for topic in explainer.near(""):
        found = explainer.explain(topic) if topic[0].isupper() and "/" not in topic else None
        if found is None or found.subject != "resource":
            continue
        for grant in found.grants:
            lines = {why.lines[0].span.line for why in grant.whys if why.said}
            if not lines or not all(why.said for why in grant.whys):
                continue
            kept = tuple(item for item in application.relationships if item.span and item.span.line not in lines)
            left = explainer_of(replace(application, relationships=kept), tmp_path).explain(found.name)
            assert grant.text not in [item.text for item in left.grants] if left else True, (found.name, grant)
            for line in lines if len(lines) > 1 else ():
                some = tuple(item for item in application.relationships if item.span and item.span.line != line)
                one = explainer_of(replace(application, relationships=some), tmp_path).explain(found.name)
                assert one is not None and grant.text in [item.text for item in one.grants], (found.name, grant, line)
            checked += 1
    assert checked > 5


def test_what_is_shared_names_who_needs_it(shop: Shop) -> None:
    found = explained(shop(), "Vpc")
    assert found.needed_by[:2] == ("orders", "orders_db")
    assert found.needed_by[-1] == "application billing"


def test_a_dependency_says_who_wants_it(shop: Shop) -> None:
    found = explained(shop(), "OrdersService.DependsOn")
    said = {fact.value: fact.why for fact in found.facts}
    assert said["OrdersTaskRolePolicy"].rule in ("read_login", "use_objects")
    assert said["OrdersTaskRolePolicy"].lines


def test_a_construct_says_what_it_could_have_been(shop: Shop) -> None:
    found = explained(shop(), "jobs")
    assert found.choice is not None and found.choice.rule == "default_implementation"
    assert "lambda-image" in [item.name for item in found.alternatives]
    pinned = explained(shop(f'{SHOP}jobs.use("lambda-layer")\n'), "jobs")
    assert pinned.choice is not None and pinned.choice.rule == "use"
    assert "asks for another one" in pinned.alternatives[0].reason


@pytest.mark.parametrize("topic", ["egress", "ingress", "shared/ingress", "orders_db.login"])
def test_what_is_chosen_besides_constructs_has_a_page(shop: Shop, topic: str) -> None:
    found = explained(shop(), topic)
    assert (found.subject, found.choice is not None) == ("choice", True)
    assert found.lines and found.alternatives and all(item.reason for item in found.alternatives)
    assert explained(shop(), found.name) == found


def test_every_choice_can_be_asked_for(shop: Shop) -> None:
    explainer = shop(
        f'{SHOP}jobs.calls(orders)\nother = Compute.Container("other", image="nginx")\nother.calls(orders)\n'
    )
    names = explainer.near("")
    assert {"calls-of-containers", "calls-of-functions", "egress", "ingress", "orders_db.login"} <= set(names)


def test_what_is_there_already_is_said_to_be(shop: Shop) -> None:
    text = SHOP.replace('Storage.Bucket("images")', 'Storage.Bucket("images", existing="arn:aws:s3:::pictures")')
    found = explained(shop(text), "images")
    assert "It is there already (`arn:aws:s3:::pictures`): Klotho uses it and never changes it." in found.summary
    assert found.alternatives == ()


def test_no_secret_is_told(shop: Shop) -> None:
    text = SHOP.replace('image="nginx"', 'image="nginx",\n    environment={"API_TOKEN": "s3cr3t-value"}')
    text += 'jobs.override("AWS::Lambda::Function", {"Tags": [{"Key": "api-token", "Value": "s3cr3t-value"}]})\n'
    explainer = shop(text.replace("}]})\n", "}]}  # said in so many words\n)\n"))
    main = "OrdersTaskDefinition.ContainerDefinitions.main"
    token = f"{main}.Environment.API_TOKEN.Value"
    tag = "JobsFunction.Tags.0.Value"
    assert explained(explainer, token).facts[0].value == "(not shown)"
    for topic in ("orders", "OrdersTaskDefinition", main, f"{main}.Environment", token, "JobsFunction", tag):
        found = explained(explainer, topic)
        told = [found.summary, *(step.text for step in found.chain if step.what != "your line")]
        told += [fact.value for item in (found, *found.parts) for fact in item.facts]
        assert "s3cr3t-value" not in " ".join(told), topic
