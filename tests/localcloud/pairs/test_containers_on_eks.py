"""Containers on Kubernetes: the same image, the same code, the same grants."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from klotho.localcloud.planes.server_certificate import trusting
from tests.examples.deployment import Answer, replaced
from tests.localcloud.pairs import harness
from tests.localcloud.pairs.harness import Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
notes, jobs = Databases.KeyValue("notes"), Messaging.Queue("jobs")
web = Compute.Container("web", context="./own", health_check="/well")
door.attach_service(web, route="/web")
other = container("other", scale=(2, 3))
stranger = container("stranger")
for boxed in (web, other, stranger):
    boxed.use("eks")
steady, caller = container("steady"), function("caller")
web.read_writes_to(notes)
web.sends_to(jobs)
other.consumes(jobs)
web.calls(other)
other.calls(web)
web.calls(steady)
web.calls(caller)
inside = API("inside", public=False)
inside.attach_service(steady, route="/inside")
web.calls(inside)
"""
FILES = {path.replace("box/", "own/"): text for path, text in harness.FILES.items() if path.startswith("box/")}
FETCH = """
import urllib.request
with urllib.request.urlopen(config.services.get("{service}").url + "{path}", timeout=20) as answer:
    return json.load(answer)
"""


def test_a_container_on_eks_answers_the_api_with_its_path_and_nothing_but_its_routes(deployed: Deployed) -> None:
    assert deployed.door.get("/web/a%20b?c=d").json == {"name": "web", "path": "/web/a%20b?c=d"}
    assert deployed.door.get("/other").json["name"] == "other"
    assert deployed.door.get("/nobody").status == 404
    assert "AWS_ACCESS_KEY_ID" in deployed.environment("web")


def test_a_client_can_not_say_which_container_is_meant(deployed: Deployed) -> None:
    assert deployed.door.call("GET", "/web/x", headers={"X-Klotho-Container": "other"}).json["name"] == "web"


def test_pods_have_the_role_of_their_service_account_and_no_other_right(deployed: Deployed) -> None:
    put = 'table = config.datastores.get("notes")\ntable.put({"id": "1", "text": "hi"})\nreturn table.get({"id": "1"})'
    assert deployed.run("web", put) == {"id": "1", "text": "hi"}
    name = deployed.run("web", "return json.loads(os.environ['KLOTHO_DATASTORE_NOTES'])['table']")
    with pytest.raises(Exception, match="not authorized to perform: dynamodb:GetItem"):
        deployed.client("dynamodb", "stranger").get_item(TableName=name, Key={"id": {"S": "1"}})


def test_a_pod_receives_what_another_one_sends(deployed: Deployed) -> None:
    deployed.run("web", 'config.queues.get("jobs").send({"said": "web"})')
    receive = """
    for message in config.queues.get("jobs").receive(wait=10):
        message.delete()
        return json.loads(message.body)
    """
    assert deployed.run("other", receive) == {"said": "web"}


@pytest.mark.parametrize(("unit", "service"), [("web", "other"), ("other", "web"), ("web", "steady")])
def test_pods_call_each_other_by_the_clusters_dns_and_others_where_they_are(
    deployed: Deployed, unit: str, service: str
) -> None:
    assert deployed.run(unit, FETCH.format(service=service, path="/x")) == {"name": service, "path": "/x"}


def test_a_pod_calls_functions_and_private_apis(deployed: Deployed) -> None:
    deployed.run("web", 'return config.services.get("caller").invoke({"said": "pod"})')
    assert deployed.seen("caller", lambda event: event == {"said": "pod"})
    assert deployed.run("web", FETCH.format(service="inside", path="/inside/x"))["name"] == "steady"


def test_what_a_pod_prints_is_in_its_log(deployed: Deployed) -> None:
    deployed.run("web", 'print("PRINTED here", flush=True)')
    assert "PRINTED here" in deployed.deployment.klotho("logs", "web").stdout


def test_a_command_runs_as_a_pod(deployed: Deployed) -> None:
    done = deployed.deployment.klotho("exec", "web", "--", "printenv", "KLOTHO_UNIT")
    assert done.stdout.splitlines()[-1] == "web"


def answered(deployed: Deployed, path: str, wanted: Callable[[Answer], bool], seconds: float = 20) -> None:
    """Kept connections lead to the former pods until those have ended."""
    until = time.monotonic() + seconds
    while not wanted(answer := deployed.door.get(path)):
        assert time.monotonic() < until, answer
        time.sleep(0.2)


def test_a_changed_line_is_rolled_out_and_one_that_does_not_start_is_rolled_back(deployed: Deployed) -> None:
    main = deployed.deployment.folder / "own" / "main.py"
    with replaced(main, '"path": self.path', '"path": "changed"'):
        deployed.deployment.up()
        answered(deployed, "/web", lambda answer: answer.json == {"name": "web", "path": "changed"})
    with replaced(main, "import probe", "raise SystemExit(3)"):
        failed = deployed.deployment.klotho("up", "--yes", exit_code=4)
        assert "ended at start (exit code 3)" in failed.stdout + failed.stderr
        assert deployed.door.get("/web").json["name"] == "web", "the former pods go on"


def test_pods_come_back_with_the_local_cloud(deployed: Deployed) -> None:
    deployed.deployment.down()
    deployed.deployment.up()
    for path in ("/web", "/other"):
        answered(deployed, path, lambda answer: answer.status == 200)


def call(deployed: Deployed, path: str, token: str | None) -> tuple[int, Any]:
    """What the cluster's API answers."""
    outputs = {item["OutputKey"]: item["OutputValue"] for item in _outputs(deployed)}
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(outputs["KubernetesClusterEndpoint"] + path, headers=headers)
    (state,) = {file.parent for file in deployed.deployment.state_home.rglob("state.sqlite3")}
    try:
        with urllib.request.urlopen(asked, timeout=20, context=trusting(state)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def _outputs(deployed: Deployed) -> list[dict[str, str]]:
    stacks = deployed.client("cloudformation").describe_stacks()["Stacks"]
    return [item for stack in stacks for item in stack.get("Outputs", ())]


def test_nobody_without_an_access_entry_reaches_into_the_cluster(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from klotho.applier.api import token

    path = "/apis/apps/v1/namespaces/pairs/deployments"
    assert call(deployed, path, None)[0] == 401
    assert call(deployed, path, "k8s-aws-v1.aGVsbG8")[0] == 401
    for name, value in deployed.environment("web").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    (cluster,) = {item["OutputValue"] for item in _outputs(deployed) if item["OutputKey"] == "KubernetesClusterRef"}
    status, answer = call(deployed, path, token(cluster))
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert call(deployed, path, token("another"))[0] == 401
