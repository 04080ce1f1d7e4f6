"""Functions that run all the time: the same handler, the same events, the same callers."""

from __future__ import annotations

import json
import time

import pytest

from tests.localcloud.pairs.harness import Deployed

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
files = Storage.Bucket("files")
news, jobs = Messaging.Topic("news"), Messaging.Queue("jobs", visibility=180)
notes = Databases.KeyValue("notes")
work = function("work")
work.use("fargate")
caller, boxed, stranger = function("caller"), container("boxed"), container("stranger")
worded = Compute.Function("worded", handler="worded.handler", timeout=1200)
door.attach_service(worded, route="/words/{word}")
inside = API("inside", public=False)
inside.attach_service(worded, route="/inside")
for who in (caller, boxed):
    who.calls(work)
caller.calls(inside)
work.calls(boxed)
work.calls(worded)
work.read_writes_to(notes)
work.consumes(jobs, batch=5)
work.subscribes_to(news)
work.triggered_by(files)
work.triggered_by(Schedule("often", every="1 minute"))
boxed.sends_to(jobs)
boxed.publishes_to(news)
boxed.writes_to(files)
"""
FILES = {
    "worded.mjs": """
export async function handler(event) {
  if (!event.requestContext) return { said: event };
  const { pathParameters, routeKey, httpMethod, path } = event;
  return { statusCode: 200, body: JSON.stringify({ pathParameters, routeKey, httpMethod, path }) };
}
"""
}
INVOKE = 'return config.services.get("work").invoke({"said": "%s"}, wait=%s)'


def test_it_is_a_service_of_the_size_lambda_would_give(deployed: Deployed) -> None:
    (task,) = [
        item
        for item in deployed.resources("AWS::ECS::TaskDefinition")
        if {"Name": "KLOTHO_UNIT", "Value": "work"} in item["ContainerDefinitions"][0]["Environment"]
    ]
    assert (task["Cpu"], task["Memory"]) == ("256", "512")
    names = [item["FunctionName"] for item in deployed.client("lambda").list_functions()["Functions"]]
    assert not [name for name in names if "Worded" in name or "Work" in name], names


def test_an_api_calls_it_with_the_event_lambda_would_get(deployed: Deployed) -> None:
    assert deployed.run("work", "return os.environ['AWS_LAMBDA_FUNCTION_NAME']") == "work"
    answer = deployed.door.get("/words/a%20b")
    assert answer.json == {"pathParameters": {"word": "a b"}, "routeKey": "ANY /words/{word}"}
    answer = deployed.door.get("/words/a/b/c")
    assert answer.json["pathParameters"] == {"word": "a", "proxy": "b/c"}


def test_a_private_api_calls_it_as_a_load_balancer_would(deployed: Deployed) -> None:
    fetch = """
    import urllib.request
    with urllib.request.urlopen(config.services.get("inside").url + "/inside/x", timeout=20) as answer:
        return json.load(answer)
    """
    assert deployed.run("caller", fetch) == {"httpMethod": "GET", "path": "/inside/x"}


@pytest.mark.parametrize("unit", ["caller", "boxed"])
def test_it_is_invoked_by_who_may_and_by_nobody_else(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, INVOKE % (unit, True))
    assert deployed.seen("work", lambda event: event == {"said": unit})
    deployed.run(unit, INVOKE % (f"{unit} later", False))
    assert deployed.seen("work", lambda event: event == {"said": f"{unit} later"})
    deployed.denied("stranger", INVOKE % ("stranger", True), "work")
    assert deployed.run("work", 'return config.services.get("worded").invoke({"a": 1})') == {"said": {"a": 1}}


def test_it_calls_others_and_uses_what_it_was_granted(deployed: Deployed) -> None:
    fetch = 'import urllib.request\nreturn json.load(urllib.request.urlopen(config.services.get("boxed").url + "/x"))'
    assert deployed.run("work", fetch)["name"] == "boxed"
    put = 'table = config.datastores.get("notes")\ntable.put({"id": "1"})\nreturn table.get({"id": "1"})'
    assert deployed.run("work", put) == {"id": "1"}


def test_queues_topics_buckets_and_schedules_trigger_it_with_their_own_events(deployed: Deployed) -> None:
    deployed.run("boxed", 'config.queues.get("jobs").send({"job": 7})')
    event = deployed.seen("work", lambda event: "job" in json.dumps(event) and "Records" in event)
    assert event["Records"][0]["eventSource"] == "aws:sqs"
    assert json.loads(event["Records"][0]["body"]) == {"job": 7}
    deployed.run("boxed", 'config.topics.get("news").publish({"new": 1}, attributes={"kind": "a"})')
    event = deployed.seen("work", lambda event: "aws:sns" in json.dumps(event))
    sns = event["Records"][0]["Sns"]
    assert json.loads(sns["Message"]) == {"new": 1}
    assert sns["MessageAttributes"]["kind"]["Value"] == "a"
    deployed.run("boxed", 'config.buckets.get("files").put("a.txt", b"x")')
    event = deployed.seen("work", lambda event: event.get("source") == "aws.s3")
    assert event["detail"]["object"]["key"] == "a.txt"
    # Others wait for a schedule's minute; here the run is put where the schedule puts it.
    client = deployed.client("sqs")
    queue = next(url for url in client.list_queues()["QueueUrls"] if "Often" in url and "ailed" not in url)
    (schedule,) = deployed.resources("AWS::Scheduler::Schedule")
    client.send_message(QueueUrl=queue, MessageBody=json.dumps({"schedule": "often", "run": "r"}))
    assert deployed.seen("work", lambda event: event.get("run") == "r")["schedule"] == "often"
    assert json.loads(schedule["Target"]["Input"])["schedule"] == "often"


def test_what_it_fails_on_stays_in_the_queue_and_what_it_handled_does_not(deployed: Deployed) -> None:
    deployed.run("boxed", 'config.queues.get("jobs").send({"job": "fail for ever"})')
    deployed.seen("work", lambda event: "fail for ever" in json.dumps(event))
    client = deployed.client("sqs")
    (url,) = [item for item in client.list_queues()["QueueUrls"] if "jobs" in item.lower()]
    until = time.monotonic() + 20
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    while time.monotonic() < until:
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if [found[name] for name in names] == ["0", "1"]:
            return
        time.sleep(0.2)
    raise AssertionError(found)
