"""What the function does with the objects of a custom resource, against an API that keeps them in a dictionary."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.applier import handler, work
from klotho.applier.objects import KINDS, Named, ObjectError, objects_of, typed


def manifest(kind: str, name: str = "orders", **body: Any) -> dict[str, Any]:
    known = KINDS[kind]
    metadata = {"name": name, **({"namespace": "shop"} if known.namespaced else {})}
    return {"apiVersion": known.version, "kind": kind, "metadata": metadata, **body}


class FakeCluster:
    """An API whose answers a test says."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refusals: list[Exception] = []
        self.status: dict[str, Any] = {
            "observedGeneration": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
            "replicas": 1,
        }

    def apply(self, item: Named) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop()
        self.calls.append(f"apply {item}")
        self.objects[item.path] = item.body
        return item.body

    def get(self, path: str) -> dict[str, Any] | None:
        found = self.objects.get(path)
        return None if found is None else {**found, "status": self.status}

    def delete(self, item: Named) -> None:
        self.calls.append(f"delete {item}")
        self.objects.pop(item.path, None)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    made = FakeCluster()
    monkeypatch.setattr(handler, "Cluster", lambda properties: made)
    monkeypatch.setattr(work.time, "sleep", lambda seconds: None)
    return made


def ask(kind: str, *manifests: dict[str, Any], before: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    properties = {"Cluster": "main", "Name": "orders", "Objects": list(manifests)}
    event = {
        "RequestType": kind, "StackId": "s", "RequestId": "r", "LogicalResourceId": "l",
        "ResourceProperties": properties, "PhysicalResourceId": "main/orders",
    }  # fmt: skip
    if before is not None:
        event["OldResourceProperties"] = {**properties, "Objects": before}
    return handler.answered(event)


def test_text_becomes_the_numbers_and_booleans_that_the_kinds_have_and_names_stay_text() -> None:
    given = {
        "metadata": {"labels": {"port": "8080"}},
        "spec": {
            "replicas": "2",
            "ports": [{"port": "80", "targetPort": "http"}],
            "env": [{"name": "N", "value": "7"}],
        },
        "automountServiceAccountToken": "false",
    }
    assert typed(given) == {
        "metadata": {"labels": {"port": "8080"}},
        "spec": {"replicas": 2, "ports": [{"port": 80, "targetPort": "http"}], "env": [{"name": "N", "value": "7"}]},
        "automountServiceAccountToken": False,
    }


def test_objects_are_made_in_an_order_in_which_each_finds_what_it_names(cluster: FakeCluster) -> None:
    kinds = ["Deployment", "Service", "ServiceAccount", "Namespace"]
    assert ask("Create", *(manifest(kind) for kind in kinds))["Status"] == "SUCCESS"
    assert cluster.calls == [f"apply {kind} orders" for kind in reversed(kinds)]


def test_an_update_removes_what_is_not_wanted_any_more_and_nothing_else(cluster: FakeCluster) -> None:
    service, account = manifest("Service"), manifest("ServiceAccount")
    ask("Create", service, account)
    cluster.calls.clear()
    assert ask("Update", account, before=[service, account])["Status"] == "SUCCESS"
    assert cluster.calls == ["apply ServiceAccount orders", "delete Service orders"]


def test_a_deletion_goes_the_opposite_way_and_may_run_twice(cluster: FakeCluster) -> None:
    both = [manifest("ServiceAccount"), manifest("Deployment")]
    ask("Create", *both)
    cluster.calls.clear()
    for _ in range(2):
        assert ask("Delete", *both)["Status"] == "SUCCESS"
    assert cluster.calls[:2] == ["delete Deployment orders", "delete ServiceAccount orders"]
    assert not cluster.objects


def test_it_waits_for_an_access_entry_that_the_cluster_does_not_know_yet(cluster: FakeCluster) -> None:
    cluster.refusals = [ObjectError("Unauthorized (401)"), ConnectionRefusedError("not yet")]
    assert ask("Create", manifest("Service"))["Status"] == "SUCCESS"
    cluster.refusals = [ObjectError("Service orders: invalid (422)")]
    answer = ask("Create", manifest("Service"))
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "Service orders: invalid (422)")
    assert answer["PhysicalResourceId"] == "main/orders", "what was made before is removed by the deletion that follows"


def test_pods_that_do_not_become_ready_fail_with_what_kubernetes_says(cluster: FakeCluster) -> None:
    failed = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "boom"}
    cluster.status = {"observedGeneration": 1, "conditions": [failed]}
    assert ask("Create", manifest("Deployment", spec={}))["Reason"] == "Deployment orders: boom"


def test_other_kinds_and_objects_without_a_name_are_refused(cluster: FakeCluster) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "shop"}}
    assert "Secret of v1 is not a kind that Klotho makes" in ask("Create", secret)["Reason"]
    with pytest.raises(ObjectError, match="lacks its name"):
        objects_of({"Objects": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}]})


def test_terraform_and_pulumi_get_the_result_or_the_error(cluster: FakeCluster) -> None:
    service, account = manifest("Service"), manifest("ServiceAccount")
    now = {"Cluster": "main", "Name": "orders", "Objects": [account]}
    earlier = {"ResourceProperties": {**now, "Objects": [service]}}
    ask("Create", service)
    event = {"ResourceProperties": now, "tf": {"action": "update", "prev_input": earlier}}
    assert handler.handler(event, None) == {"Name": "main/orders"}
    assert [item["kind"] for item in cluster.objects.values()] == ["ServiceAccount"]
    assert handler.handler({"ResourceProperties": now, "tf": {"action": "delete"}}, None) == {}
    assert not cluster.objects
