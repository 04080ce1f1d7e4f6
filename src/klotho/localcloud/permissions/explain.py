"""A denial in the words of infra.py.

Input: who called, what was missing, and the World. Output: one sentence that names the relationship that would grant
it. Refuses nothing: where no relationship would, it says that. It never decides anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from klotho.catalogue.tables import table
from klotho.localcloud.handler import Record
from klotho.localcloud.permissions.evaluate import Need
from klotho.localcloud.permissions.resources import constructs_arn
from klotho.localcloud.world import World

_VERBS: Mapping[tuple[str, str], str] = {
    ("cognito-idp", "read"): "reads_from",
    ("cognito-idp", "write"): "writes_to",
    ("dynamodb", "read"): "reads_from",
    ("dynamodb", "write"): "writes_to",
    ("dynamodb", "stream"): "triggered_by",
    ("lambda", "invoke"): "calls",
    ("sns", "publish"): "publishes_to",
    ("s3", "list"): "reads_from",
    ("s3", "list_uploads"): "writes_to",
    ("s3", "list_versions"): "reads_from",
    ("s3", "read"): "reads_from",
    ("s3", "read_versions"): "reads_from",
    ("s3", "write"): "writes_to",
    ("sqs", "poll"): "consumes",
    ("sqs", "receive"): "consumes",
    ("sqs", "send"): "sends_to",
    ("unscoped", "discover"): "calls",
}
"""Verbs by section and meaning of the catalogue's table of IAM actions."""
_NAMED_SERVICE = "AWS::ServiceDiscovery::Service"


def advice(caller: str, need: Need, world: World) -> str:
    """What to write in infra.py, as one sentence without its full stop."""
    target = _construct(need, world)
    if target is None:
        what = need.subject or need.resource
        return f"nothing that infra.py deployed is {what}" if what != "*" else _hopeless(need)
    verb = _verb(need.action, target)
    if verb is None and target.startswith("Databases.") and need.action.startswith("secretsmanager:"):
        would = f"`{_variable(caller)}.reads_from({_variable(target)})` in infra.py would give it a login of its own"
        return f"the master user's secret is for nobody: {would}"
    if verb is None:
        return _hopeless(need)
    return f"`{_variable(caller)}.{verb}({_variable(target)})` in infra.py would allow it"


def about(need: Need, world: World) -> str:
    """The short name of what the call was about: the construct's, else the end of the ARN."""
    target = _construct(need, world)
    if target is not None:
        return target.rpartition("/")[2]
    return (need.subject or need.resource).rpartition(":")[2]


def _hopeless(need: Need) -> str:
    return f"no relationship in infra.py gives {need.action}"


def _verb(action: str, target: str) -> str | None:
    for section, meanings in table("iam").items():
        for meaning, actions in meanings.items():
            if action not in actions:
                continue
            if section == "secretsmanager":
                # A database's master secret and another unit's login are nobody's to have.
                return "uses" if target.startswith("Secret/") else None
            if (section, meaning) in _VERBS:
                return _VERBS[section, meaning]
    return None


def _construct(need: Need, world: World) -> str | None:
    """The construct that owns what the call is about, as the tags of the deployed resource name it."""
    wanted = set(constructs_arn(need.resource))
    for record in world.all():
        found = need.subject and record.type_name == _NAMED_SERVICE and _discovered(record, need.subject, world)
        if found or wanted & {record.identifier, *_texts(record)}:
            name = _tag(record)
            if name is not None:
                return name
    return None


def _texts(record: Record) -> Iterator[str]:
    """The attribute values that may be ARNs, nested ones too (`MasterUserSecret.SecretArn`)."""
    for value in record.attributes.values():
        for text in value.values() if isinstance(value, Mapping) else (value,):
            if isinstance(text, str):
                yield text


def _discovered(record: Record, subject: str, world: World) -> bool:
    return bool(record.properties.get("Name")) and record.properties.get("Name") == subject.rpartition("/")[2]


def _tag(record: Record) -> str | None:
    """The construct in the resource's tags; both spellings of CloudFormation, a list and a map."""
    tags = record.properties.get("Tags") or record.properties.get("UserPoolTags") or ()
    pairs = tags if isinstance(tags, Mapping) else {tag.get("Key"): tag.get("Value") for tag in tags}
    name = pairs.get("klotho:construct")
    return None if name is None else str(name)


def _variable(construct: str) -> str:
    """The construct's name as a program would spell it."""
    return re.sub(r"\W", "_", construct.rpartition("/")[2])
