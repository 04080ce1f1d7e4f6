"""Code that sends to a queue and code that handles what is in it."""

from __future__ import annotations

import pytest

from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
jobs, letters = Messaging.Queue("jobs"), Messaging.Queue("letters")
sender, boxed_sender = function("sender"), container("boxed-sender")
worker, clerk = function("worker"), container("clerk")
for unit in (sender, boxed_sender):
    unit.sends_to(jobs)
    unit.sends_to(letters)
worker.consumes(jobs)
clerk.consumes(letters)
"""
SEND = 'return config.queues.get("%s").send({"said": "%s"})'
RECEIVE = """
for message in config.queues.get("letters").receive(wait=20):
    message.delete()
    return message.payload
"""


@pair("sends_to", ("Compute.Function", "Compute.Container"), "Messaging.Queue")
@pair("consumes", "Compute.Function", "Messaging.Queue")
@pytest.mark.parametrize("unit", ["sender", "boxed-sender"])
def test_a_function_is_called_with_what_was_sent_and_the_sender_may_not_receive(deployed: Deployed, unit: str) -> None:
    deployed.run(unit, SEND % ("jobs", f"hello from {unit}"))
    event = deployed.seen("worker", lambda event: f"hello from {unit}" in str(event))
    assert event["Records"][0]["eventSource"] == "aws:sqs"
    url = deployed.run(unit, 'return config.queues.get("letters").url')
    with pytest.raises(Exception, match="not authorized to perform: sqs:ReceiveMessage"):
        deployed.client("sqs", unit).receive_message(QueueUrl=url)
    with pytest.raises(Exception, match="not authorized to perform: sqs:SendMessage"):
        deployed.client("sqs", "worker").send_message(QueueUrl=url, MessageBody="no")


@pair("consumes", "Compute.Container", "Messaging.Queue")
def test_a_container_receives_and_may_not_send(deployed: Deployed) -> None:
    deployed.run("sender", SEND % ("letters", "for the clerk"))
    assert deployed.run("clerk", RECEIVE) == {"said": "for the clerk"}
    deployed.denied("clerk", SEND % ("letters", "no"), "sends_to")
    url = deployed.run("clerk", 'return config.queues.get("letters").url')
    with pytest.raises(Exception, match="not authorized to perform: sqs:SendMessage"):
        deployed.client("sqs", "clerk").send_message(QueueUrl=url, MessageBody="no")
