"""`eks`: what a container becomes on Kubernetes, by the published schemas, and what it can't be there."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest

from klotho.catalogue.costs import Usages, estimate
from klotho.localcloud.planes.kubernetes.schema import not_carried
from klotho.resources import is_deferred
from tests.unit.engine.conftest import Builder

VERSION = "1.33"
OF_AWS = {"NodeClass", "NodePool", "TargetGroupBinding"}
"""Kinds that Kubernetes itself does not have: their schemas come with EKS Auto Mode, and are not published apart."""


def pinned(app: Builder, name: str = "web", **properties: Any) -> Builder:
    return app.add("container", name, **properties).directive(name, "use", "eks")


def objects(app: Builder, key: str = "Compute.Container/web:workload") -> dict[str, dict[str, Any]]:
    found = app.resolve().graph[key].properties["Objects"]
    return {item["kind"]: item for item in found}


def plain(value: Any) -> Any:
    """With text where a value comes from another resource."""
    if is_deferred(value):
        return "later"
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def everything(app: Builder) -> Builder:
    pinned(app, health_check="/well", scale=[2, 5], ports={"http": 8080, "grpc": 50051}, command=["serve"])
    pinned(app, "pdf", context="services/pdf").add("api", "door").says("web", "calls", "pdf")
    return app.says("door", "attach_service", "web", route="/web")


def test_every_object_is_valid_by_the_published_schemas_and_strictly_so(app: Builder) -> None:
    graph = everything(app).resolve().graph
    found = [item for one in graph if one.type == "Custom::KubernetesObjects" for item in one.properties["Objects"]]
    checked = {item["kind"] for item in found if item["kind"] not in OF_AWS}
    assert checked == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Namespace", "NetworkPolicy", "PodDisruptionBudget",
        "Service", "ServiceAccount",
    }  # fmt: skip
    for item in found:
        if item["kind"] in checked:
            kubernetes_validate.validate(plain(item), VERSION, strict=True)
        assert not_carried(plain(item)) is None, item["kind"]


def test_pods_have_no_rights_on_their_node_and_the_role_by_their_service_account(app: Builder) -> None:
    resolved = pinned(app).resolve().graph
    pod = objects(app)["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["resources"]["limits"] == {"memory": "512Mi"}
    identity = resolved["Compute.Container/web:pod-identity"].properties
    assert (identity["Namespace"], identity["ServiceAccount"]) == ("shop", pod["serviceAccountName"])
    (trust,) = resolved["Compute.Container/web:pod-role"].properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}


def test_secrets_stand_in_manifests_by_their_arn_only(app: Builder) -> None:
    pinned(app).add("postgres", "db").says("web", "reads_from", "db")
    (variable,) = [
        item
        for item in objects(app)["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]
        if item["name"] == "KLOTHO_DATASTORE_DB"
    ]
    assert "password" not in str(variable)
    assert "login" in str(variable), "the secret's ARN"


def test_network_policies_let_in_who_calls_and_nobody_else(app: Builder) -> None:
    assert "ingress" not in objects(pinned(app))["NetworkPolicy"]["spec"]
    everything_else = Builder(app.root)
    everything(everything_else)
    (rule,) = objects(everything_else, "Compute.Container/pdf:workload")["NetworkPolicy"]["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "web"}}}]
    assert rule["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_two_that_use_one_database_share_the_rule_that_lets_their_nodes_in(app: Builder) -> None:
    pinned(app)
    pinned(app, "pdf").add("postgres", "db").says("web", "reads_from", "db").says("pdf", "reads_from", "db")
    graph = app.resolve().graph
    rules = [item for item in graph if item.type == "AWS::EC2::SecurityGroupIngress" and "db" in item.key]
    assert sorted(str(item.key) for item in rules) == [
        "Databases.Postgres/db:kubernetes-workers-reaches-postgres-db-5432",
        "Databases.Postgres/db:roles-reach-database",
    ]
    assert len([item for item in graph if item.type == "AWS::EKS::Cluster"]) == 1


def test_availability_asks_for_a_pod_in_each_zone(app: Builder) -> None:
    pinned(app).requires("web", "availability", 99.9)
    assert objects(app)["Deployment"]["spec"]["replicas"] == 2


def test_it_is_never_chosen_by_itself_whatever_is_wrong_with_the_others(app: Builder) -> None:
    for number in range(12):
        app.add("container", f"web-{number}")
    choices = app.resolve().graph.choices
    made = {str(name): choice for name, choice in choices.items() if str(name).startswith("Compute")}
    assert {choice.implementation for choice in made.values()} == {"fargate"}
    (other,) = [item for item in made["Compute.Container/web-0"].rejected if item.implementation == "eks"]
    assert "its cluster alone costs 73 USD a month" in other.reason
    app.add("container", "wrong", cpu=3)
    assert app.codes() == ["bad-size"], "what Fargate does not offer is a mistake, no reason to make a cluster"


def test_the_cluster_is_paid_once_and_pods_by_their_share_of_an_instance(app: Builder) -> None:
    pinned(app, cpu=1024, memory=1024)
    pinned(app, "pdf", cpu=1024, memory=1024)
    resolution = app.resolve()
    found = estimate(resolution.graph.resources, Usages(resolution.setting.application), "us-east-1")
    cost = {item: [line.usd.expected for line in found.lines if line.price.item == item] for item in (
        "eks-cluster-hour", "ec2-m7g.large-hour",
    )}  # fmt: skip
    assert cost["eks-cluster-hour"] == [pytest.approx(73.0)]
    # One of two vCPUs is half of an instance: 730 x 0.5 x 0.0816
    assert cost["ec2-m7g.large-hour"] == [pytest.approx(29.784)] * 2


@pytest.mark.parametrize(
    ("kind", "verb"), [("container", "calls"), ("function", "calls")], ids=["container", "function"]
)
def test_who_is_not_in_the_cluster_can_not_call_it(app: Builder, kind: str, verb: str) -> None:
    pinned(app).add(kind, "caller").says("caller", verb, "web")
    (problem,) = app.problems()
    assert problem.code == "not-on-this-host"
    assert problem.labels[0].span == app.relationships[-1].span


def test_a_private_api_does_not_lead_to_it_so_far(app: Builder) -> None:
    pinned(app).add("api", "inside", public=False).says("inside", "attach_service", "web", route="/")
    (problem,) = app.problems()
    assert problem.code == "not-on-this-host"
    assert "is private" in problem.notes[0]
