"""Has ACM make a certificate for a CDN: in us-east-1, whatever region the stacks are in, validated by a DNS record.

Input: a host name and the hosted zone its record goes into. Output: the ARN of an issued certificate, the same for ever
(ACM renews it as long as the record is there, so the record stays). Waits, and says so every minute; when patience is
over the next run goes on where this one stopped. Refuses, as `certificate-refused` what ACM does not issue, as
`certificate-pending` what took too long. One that failed is left to ACM and asked for anew.

Sources: ACM API Reference, RequestCertificate ("Idempotency tokens time out after one hour"), DescribeCertificate
(statuses); ACM User Guide, "DNS validation" (it can take up to 30 minutes; the record is needed for renewal).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.steps.held import CLOUDFRONT_REGION, held, let_go, tag_list
from klotho.deploy.steps.step import Task
from klotho.deploy.steps.zone import find_zone, missing_zone, record_of
from klotho.diagnostics import ExitCode, Failure

PATIENCE_S = 1800.0
POLL_S = 5.0
_SAY_EVERY_S = 60.0
_MARK = {"klotho:step": "cdn-certificate"}
"""What tells these from certificates that stacks hold, whose tags are otherwise alike."""
_ALIVE = ("PENDING_VALIDATION", "ISSUED")
_DEAD = ("FAILED", "VALIDATION_TIMED_OUT", "REVOKED", "EXPIRED", "INACTIVE")


class RequestCertificate:
    """The step `cdn-certificate`; its part is `arn`."""

    early = False

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    def known(self, task: Task, part: str) -> str | None:
        with translated("looking for the certificate of a domain"):
            return _find(task, _ALIVE)

    def value(self, task: Task, part: str) -> str:
        domain = str(task.properties["domain"])
        zone = task.properties.get("zone") or find_zone(task.clients, domain)
        if zone is None:
            raise missing_zone(task)
        with translated("asking for a certificate"):
            arn = _find(task, _ALIVE) or self._request(task, domain)
            found = self._wait(task, arn, str(zone))
        if found["Status"] != "ISSUED":
            raise _refused(task, found)
        return arn

    def sweep(self, clients: Clients, tags: Mapping[str, str], kept: frozenset[str]) -> None:
        let_go(clients.in_region(CLOUDFRONT_REGION), "AMAZON_ISSUED", {**tags, **_MARK}, kept, (*_ALIVE, *_DEAD))

    def _request(self, task: Task, domain: str) -> str:
        """The token lets a run that was killed between the request and its tags' listing ask for the same one. A dead
        one is part of it: within the hour the token would be answered with that one again."""
        task.say(f"asking ACM for a certificate of {domain} in {CLOUDFRONT_REGION}")
        dead = sorted(arn for arn, _ in held(_there(task), "AMAZON_ISSUED", {**task.tags, **_MARK}, _DEAD))
        token = hashlib.sha256("/".join([domain, *sorted(task.tags.values()), *dead]).encode()).hexdigest()[:32]
        asked = {"DomainName": domain, "ValidationMethod": "DNS", "IdempotencyToken": token}
        tags = tag_list({**task.tags, **_MARK})
        return str(_there(task).certificates.request_certificate(**asked, Tags=tags)["CertificateArn"])

    def _wait(self, task: Task, arn: str, zone: str) -> dict[str, Any]:
        """Make the record as soon as ACM says it, a few seconds after the request, and wait until ACM has seen it."""
        client = _there(task).certificates
        begun, said, proved = self._clock(), 0.0, False
        while True:
            found: dict[str, Any] = client.describe_certificate(CertificateArn=arn)["Certificate"]
            if found["Status"] != "PENDING_VALIDATION":
                return found
            record = record_of(found)
            if record is not None and not proved:
                _prove(task.clients, zone, record)
                proved = True
                continue
            waited = self._clock() - begun
            if waited >= PATIENCE_S:
                raise _pending(task, arn)
            if waited - said >= _SAY_EVERY_S:
                said = waited
                task.say(f"waiting for ACM to validate {found['DomainName']}: {waited / 60:.0f} min")
            self._sleep(POLL_S)


def _there(task: Task) -> Clients:
    return task.clients.in_region(CLOUDFRONT_REGION)


def _find(task: Task, statuses: tuple[str, ...]) -> str | None:
    """The one asked for before; the first by ARN, should a crash ever have made two."""
    found = held(_there(task), "AMAZON_ISSUED", {**task.tags, **_MARK}, statuses)
    return min((arn for arn, _ in found), default=None)


def _prove(clients: Clients, zone: str, record: Mapping[str, str]) -> None:
    """Make the record. Other certificates of this name in the account have the same one."""
    resource = {"Name": record["Name"], "Type": record["Type"], "TTL": 300}
    change = {"Action": "UPSERT", "ResourceRecordSet": {**resource, "ResourceRecords": [{"Value": record["Value"]}]}}
    comment = "klotho: proves to ACM that the domain is yours, also when it renews the certificate"
    clients.dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Comment": comment, "Changes": [change]})


def _refused(task: Task, found: Mapping[str, Any]) -> Failure:
    domain, why = found["DomainName"], found.get("FailureReason")
    return Failure(
        "certificate-refused",
        f"ACM made no certificate for {domain}: {str(found['Status']).replace('_', ' ').lower()}",
        at=task.span,
        notes=(f"its reason: {why}",) if why else (),
        helps=(
            "check that your registrar names the hosted zone's name servers, then run `klotho up` again",
            'or give a certificate: `domain.attach_cert("./certs/shop_example.crt")`',
        ),
        exit_code=ExitCode.RESOURCE_FAILED,
    )


def _pending(task: Task, arn: str) -> Failure:
    domain = task.properties["domain"]
    return Failure(
        "certificate-pending",
        f"ACM has not validated {domain} in {PATIENCE_S / 60:.0f} minutes",
        at=task.span,
        notes=(f"the certificate {arn} and its record are there, so another run goes on waiting",),
        helps=(
            f"check that the name servers of {domain} are those of its hosted zone: `dig NS {domain}`",
            "then run `klotho up` again",
        ),
        exit_code=ExitCode.TIMEOUT,
    )
