"""What to write instead of a pair that makes no sense but means something.

Pairs that are not here are answered from the table of pairs itself (`engine/passes/connect.py`).
"""

from __future__ import annotations

from klotho.catalogue.rules import ECS, LAMBDA

_RECEIVES = "a container receives by itself what it is told of, and on Lambda it only runs while it is called"
NOT_ON: dict[tuple[str, str], str] = {
    ("authenticates_with", LAMBDA): (
        "a container is asked over the network by a function of Klotho's, and code on Lambda has no address there"
    ),
    ("authenticates_with", ECS): "an API asks functions of Lambda, and this one is none",
    ("triggered_by", ECS): "the changes of a table are read by Lambda, which calls functions of its own",
    **dict.fromkeys(((verb, LAMBDA) for verb in ("consumes", "subscribes_to", "triggered_by")), _RECEIVES),
}
"""Why a host (`Compute.host`) can't carry what a verb means to a kind, by verb and host."""

_COMPUTE = {"Compute.Container": "container", "Compute.Function": "function"}
_OF_CODE = {
    ("triggered_by", "Messaging.Queue"): "to handle its messages write `consumes(queue)`",
    ("triggered_by", "Messaging.Topic"): "to get its messages write `subscribes_to(topic)`",
    ("triggered_by", "API"): "to answer its requests write `api.attach_service({code})`",
    ("consumes", "API"): "to answer its requests write `api.attach_service({code})`",
    ("subscribes_to", "API"): "to answer its requests write `api.attach_service({code})`",
    ("triggered_by", "Compute.Container"): "who triggers says it: `container.calls({code})`",
    ("triggered_by", "Compute.Function"): "who triggers says it: `function.calls({code})`",
    ("reads_from", "Messaging.Queue"): "to handle its messages write `consumes(queue)`",
    ("reads_from", "Messaging.Topic"): "to get its messages write `subscribes_to(topic)`",
    ("writes_to", "Messaging.Queue"): "to send messages write `sends_to(queue)`",
    ("writes_to", "Messaging.Topic"): "to publish messages write `publishes_to(topic)`",
    ("read_writes_to", "Messaging.Queue"): "write `sends_to(queue)` and `consumes(queue)`",
    ("read_writes_to", "Messaging.Topic"): "write `publishes_to(topic)` and `subscribes_to(topic)`",
    ("publishes_to", "Messaging.Queue"): "to send messages write `sends_to(queue)`",
    ("sends_to", "Messaging.Topic"): "to publish messages write `publishes_to(topic)`",
    ("subscribes_to", "Messaging.Queue"): "to handle its messages write `consumes(queue)`",
    ("consumes", "Messaging.Topic"): "to get its messages write `subscribes_to(topic)`",
    ("subscribes_to", "Storage.Bucket"): "to run for its objects write `triggered_by(bucket)`",
    ("consumes", "Storage.Bucket"): "to run for its objects write `triggered_by(bucket)`",
    ("subscribes_to", "Databases.KeyValue"): "to follow its changes write `triggered_by(table)`, of a function",
    ("consumes", "Databases.KeyValue"): "to follow its changes write `triggered_by(table)`, of a function",
    ("writes_to", "Secret"): "people set secrets, `klotho secret set`; code reads them: write `uses(secret)`",
    ("read_writes_to", "Secret"): "people set secrets, `klotho secret set`; code reads them: write `uses(secret)`",
    ("uses", "Auth.OIDC"): (
        'give the code the issuer, `environment={{"ISSUER": login.issuer}}`; tokens are checked before it runs where '
        "`api.authenticates_with(login)`"
    ),
}
_BEHIND_AN_API = {
    "Databases.KeyValue": "`function.read_writes_to(table)`",
    "Databases.MySQL": "`function.read_writes_to(database)`",
    "Databases.Postgres": "`function.read_writes_to(database)`",
    "Databases.Redis": "`function.read_writes_to(cache)`",
    "Messaging.Queue": "`function.sends_to(queue)`",
    "Messaging.Topic": "`function.publishes_to(topic)`",
    "Storage.Bucket": "`function.reads_from(bucket)`, which may hand out presigned URLs",
}
_INTO_A_QUEUE = {"Databases.KeyValue": "table", "Schedule": "schedule"}

INSTEAD: dict[tuple[str, str, str], str] = {
    **{
        (verb, actor, target): text.format(code=code)
        for (verb, target), text in _OF_CODE.items()
        for actor, code in _COMPUTE.items()
    },
    **{
        ("attach_service", "API", target): f"put code between: `api.attach_service(function)`, {how}"
        for target, how in _BEHIND_AN_API.items()
    },
    **{
        ("subscribes_to", "Messaging.Queue", target): (
            f"let a function be triggered and send: `function.triggered_by({name})`, `function.sends_to(queue)`"
        )
        for target, name in _INTO_A_QUEUE.items()
    },
    ("triggered_by", "Compute.Container", "Databases.KeyValue"): (
        "let a function be triggered and send to a queue that the container consumes: "
        "`function.triggered_by(table)`, `function.sends_to(queue)`, `container.consumes(queue)`"
    ),
    ("attach_service", "API", "Site"): "a site has a CDN of its own: give it a name by `Domain(…, exposes=site)`",
    ("authenticates_with", "API", "Secret"): (
        "let code decide that knows it: `api.authenticates_with(function)`, `function.uses(secret)`"
    ),
    ("authenticates_with", "API", "Databases.KeyValue"): (
        "let code decide that looks it up: `api.authenticates_with(function)`, `function.reads_from(table)`"
    ),
    ("exposes", "Domain", "Storage.Bucket"): "a bucket is private; files are published by a `Site`: `exposes=site`",
    ("exposes", "Domain", "Compute.Container"): (
        "put an API between: `api.attach_service(container)`, `Domain(…, exposes=api)`"
    ),
    ("exposes", "Domain", "Compute.Function"): (
        "put an API between: `api.attach_service(function)`, `Domain(…, exposes=api)`"
    ),
}
"""By verb, actor's kind and target's kind."""
