"""What is still there of an application after its stacks are gone, found by its tags.

Input: clients, the application's tags. Output: `Leftover` values, each with the command that removes it for good.
Changes nothing. CloudFormation hands a stack's tags to its resources, and they stay with what it leaves behind: tables,
buckets, snapshots. Source: Resource Groups Tagging API Reference, GetResources; it forgets a deleted resource after a
while only, so that one may be listed a moment too long.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from klotho.deploy.place import Clients, translated

_GLOBAL_REGION = "us-east-1"
"""Where resources without a region are listed: CloudFront's, and what was made there for it."""


@dataclass(frozen=True, slots=True)
class Leftover:
    arn: str
    construct: str
    """The name of the stack it was in: the program's own word for it."""
    command: str
    """What removes it for good, as it can be typed; empty where no single command does."""

    @property
    def what(self) -> str:
        """`dynamodb table`."""
        service, kind, _ = _parts(self.arn)
        return f"{service} {kind}".strip()

    def to_json(self) -> dict[str, str]:
        return {"arn": self.arn, "stack": self.construct, "command": self.command}


def left_behind(clients: Clients, tags: Mapping[str, str], busy: Iterable[str] = ()) -> list[Leftover]:
    """By ARN. `busy`: names of stacks that are still there, whose resources are no leftovers."""
    kept = set(busy)
    found: dict[str, Leftover] = {}
    places = [clients]
    if clients.place.endpoint_url is None:
        places = list(dict.fromkeys((clients, clients.in_region(_GLOBAL_REGION))))
    for place in places:
        for arn, given in _tagged(place, tags):
            if ":cloudformation:" not in arn and given.get("klotho:stack") not in kept:
                region = place.place.region
                found[arn] = Leftover(arn, given.get("klotho:stack", ""), removal_command(arn, region))
    return [found[arn] for arn in sorted(found)]


def _tagged(clients: Clients, tags: Mapping[str, str]) -> Iterable[tuple[str, dict[str, str]]]:
    filters = [{"Key": key, "Values": [value]} for key, value in sorted(tags.items())]
    with translated("looking for what was left behind"):
        for page in clients.tagging.get_paginator("get_resources").paginate(TagFilters=filters):
            for item in page["ResourceTagMappingList"]:
                yield item["ResourceARN"], {tag["Key"]: tag["Value"] for tag in item["Tags"]}


_COMMANDS: Mapping[tuple[str, str], Callable[[str, str], list[str]]] = {
    ("dynamodb", "table"): lambda arn, name: ["dynamodb", "delete-table", "--table-name", name],
    ("s3", ""): lambda arn, name: ["s3", "rb", f"s3://{name}", "--force"],
    ("rds", "db"): lambda arn, name: [
        "rds", "delete-db-instance", "--db-instance-identifier", name, "--skip-final-snapshot",
    ],
    ("rds", "snapshot"): lambda arn, name: ["rds", "delete-db-snapshot", "--db-snapshot-identifier", name],
    ("elasticache", "snapshot"): lambda arn, name: ["elasticache", "delete-snapshot", "--snapshot-name", name],
    ("elasticache", "replicationgroup"): lambda arn, name: [
        "elasticache", "delete-replication-group", "--replication-group-id", name,
    ],
    ("cognito-idp", "userpool"): lambda arn, name: ["cognito-idp", "delete-user-pool", "--user-pool-id", name],
    ("secretsmanager", "secret"): lambda arn, name: [
        "secretsmanager", "delete-secret", "--secret-id", arn, "--force-delete-without-recovery",
    ],
    ("logs", "log-group"): lambda arn, name: ["logs", "delete-log-group", "--log-group-name", name],
    ("acm", "certificate"): lambda arn, name: ["acm", "delete-certificate", "--certificate-arn", arn],
    ("sqs", ""): lambda arn, name: ["sqs", "delete-queue", "--queue-url", name],
    ("sns", ""): lambda arn, name: ["sns", "delete-topic", "--topic-arn", arn],
    ("lambda", "function"): lambda arn, name: ["lambda", "delete-function", "--function-name", name],
    ("ec2", "security-group"): lambda arn, name: ["ec2", "delete-security-group", "--group-id", name],
    ("ec2", "subnet"): lambda arn, name: ["ec2", "delete-subnet", "--subnet-id", name],
    ("ec2", "vpc"): lambda arn, name: ["ec2", "delete-vpc", "--vpc-id", name],
}  # fmt: skip
"""By service and kind in the ARN, what `aws` is called with. Source: AWS CLI Command Reference."""


def removal_command(arn: str, region: str) -> str:
    """The exact `aws` command; empty for a kind nobody leaves behind."""
    service, kind, name = _parts(arn)
    made = _COMMANDS.get((service, kind))
    if made is None:
        return ""
    if service == "sqs":
        name = f"https://sqs.{region}.amazonaws.com/{arn.split(':')[4]}/{name}"
    return shlex.join(["aws", *made(arn, name), "--region", arn.split(":")[3] or region])


def _parts(arn: str) -> tuple[str, str, str]:
    """Service, kind and name: `arn:aws:dynamodb:…:table/a`, `arn:aws:rds:…:snapshot:a`, `arn:aws:s3:::a`."""
    _, _, service, _, _, rest = arn.split(":", 5)
    if service in ("s3", "sqs", "sns"):
        return service, "", rest
    rest = rest.removesuffix(":*")  # of log groups
    ends = [rest.index(separator) for separator in "/:" if separator in rest]
    end = min(ends, default=len(rest))
    return service, rest[:end], rest[end + 1 :]
