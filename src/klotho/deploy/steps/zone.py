"""Finds the hosted zone in which a domain's records belong, before a stack would wait for them.

Input: a host name, and whether its certificate is for a CDN (`cloudfront`). Output: the id of the public zone with the
longest matching name. Refuses, as `zone-missing`, a name without one: the stack would wait for a validation record
nobody makes. It says the record to make by hand, and how to go on with the certificate that is then issued. Source:
Route 53 API Reference, ListHostedZonesByName; ACM User Guide, "DNS validation" (the record of a name stays the same
within an account).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.steps.held import CLOUDFRONT_REGION, tag_list
from klotho.deploy.steps.step import Task
from klotho.diagnostics import Failure

RECORD_PATIENCE_S = 20.0
"""ACM makes the validation record a few seconds after the request."""


class FindZone:
    """The step `zone`; its part is `id`."""

    early = True

    def known(self, task: Task, part: str) -> str | None:
        return find_zone(task.clients, str(task.properties["domain"]))

    def value(self, task: Task, part: str) -> str:
        found = self.known(task, part)
        if found is None:
            raise missing_zone(task)
        return found

    def sweep(self, clients: Clients, tags: Mapping[str, str], kept: frozenset[str]) -> None:
        """Looking something up leaves nothing behind."""


def find_zone(clients: Clients, domain: str) -> str | None:
    """The id of the public zone with the longest name that the domain ends with."""
    labels = domain.split(".")
    with translated("looking for the hosted zone of a domain"):
        for start in range(len(labels) - 1):
            name = ".".join(labels[start:]) + "."
            for zone in clients.dns.list_hosted_zones_by_name(DNSName=name, MaxItems="10")["HostedZones"]:
                if zone["Name"] == name and not zone.get("Config", {}).get("PrivateZone", False):
                    return str(zone["Id"]).rpartition("/")[2]
    return None


def missing_zone(task: Task) -> Failure:
    """Nobody could make the record: says which one, and how to go on. Asks for the certificate, to know it."""
    domain = str(task.properties["domain"])
    arn, status, record = _request(task, domain)
    use = f'write `Domain("{domain}", certificate="{arn}")`'
    if status == "ISSUED":
        helps: tuple[str, ...] = (f"its certificate is issued: {use}",)
    else:
        helps = (
            f"make this record where the DNS of {domain} is kept: `{record}`",
            f"when ACM has seen it and issued the certificate, {use}",
        )
    return Failure(
        "zone-missing",
        f"there is no public hosted zone for {domain} in Route 53",
        at=task.span,
        notes=("its certificate is validated by a record in its DNS, which Klotho can make only there",),
        helps=(*helps, f"or make a hosted zone for it, and give your registrar its name servers: {_command(domain)}"),
    )


def _command(domain: str) -> str:
    return f"`aws route53 create-hosted-zone --name {domain} --caller-reference klotho`"


def _request(task: Task, domain: str) -> tuple[str, str, str]:
    """A certificate for the name, asked for once: its ARN, its status, and the record that validates it."""
    token = hashlib.sha256("/".join([domain, *sorted(task.tags.values())]).encode()).hexdigest()[:32]
    clients = task.clients.in_region(CLOUDFRONT_REGION) if task.properties.get("cloudfront") else task.clients
    with translated("asking for a certificate"):
        client = clients.certificates
        arn = _requested(client, domain)
        if arn is None:
            asked = {"DomainName": domain, "ValidationMethod": "DNS", "IdempotencyToken": token}
            arn = str(client.request_certificate(**asked, Tags=tag_list(task.tags))["CertificateArn"])
        found = _described(client, arn)
    record = record_of(found)
    shown = f"{record['Name']} {record['Type']} {record['Value']}" if record else f"see {arn} in the console of ACM"
    return arn, str(found["Status"]), shown


def _described(client: Any, arn: str) -> dict[str, Any]:
    """The certificate as ACM describes it, once it has its validation record."""
    deadline = time.monotonic() + RECORD_PATIENCE_S
    while True:
        found: dict[str, Any] = client.describe_certificate(CertificateArn=arn)["Certificate"]
        if record_of(found) or found["Status"] == "ISSUED" or time.monotonic() > deadline:
            return found
        time.sleep(1.0)


def record_of(found: Mapping[str, Any]) -> dict[str, str] | None:
    """The DNS record that validates it: `Name`, `Type`, `Value`; None while ACM has not made it."""
    options: list[dict[str, Any]] = found.get("DomainValidationOptions") or [{}]
    return options[0].get("ResourceRecord")


def _requested(client: Any, domain: str) -> str | None:
    """One that was asked for before: the token that makes a request happen once is forgotten after an hour."""
    pages = client.get_paginator("list_certificates").paginate(CertificateStatuses=["PENDING_VALIDATION", "ISSUED"])
    for page in pages:
        for summary in page["CertificateSummaryList"]:
            if summary.get("DomainName") == domain and summary.get("Type") == "AMAZON_ISSUED":
                return str(summary["CertificateArn"])
    return None
