"""Imports a certificate from PEM files into ACM: CloudFormation has no resource that could, and must not see the key.

Input: paths of two files. Output: the certificate's ARN, the same for ever: a changed file is imported again into it,
so that what uses it changes without a deployment. What was imported is told by its tags; the digest is that of the
certificate's file (a certificate with another key is another certificate). The key goes from the file into the request
and nowhere else. Source: ACM API Reference, ImportCertificate ("reimport"), ListCertificates (which lists RSA 2048
only unless key types are named).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.steps.step import Task
from klotho.diagnostics import Failure

CLOUDFRONT_REGION = "us-east-1"
DIGEST_TAG = "klotho:digest"
_KEY_TYPES = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")
_STILL_FINE = ("ResourceInUseException", "ResourceNotFoundException")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class ImportCertificate:
    """The step `certificate`; its parts are `arn` (the stack's region) and `cloudfront` (us-east-1)."""

    early = False

    def known(self, task: Task, part: str) -> str | None:
        found = _find(_clients(task, part), task.tags)
        return None if found is None else found[0]

    def value(self, task: Task, part: str) -> str:
        clients = _clients(task, part)
        file = str(task.properties["certificate"])
        body = _read(task, file)
        digest = hashlib.sha256(body).hexdigest()
        found = _find(clients, task.tags)
        if found is not None and found[1] == digest:
            return found[0]
        task.say(f"importing the certificate {file}{'' if found is None else ' again'}")
        return _import(clients, task, body, digest, None if found is None else found[0])

    def sweep(self, clients: Clients, tags: Mapping[str, str], kept: frozenset[str]) -> None:
        from botocore.exceptions import ClientError

        with translated("removing certificates nobody uses any more"):
            for place in dict.fromkeys((clients, clients.in_region(CLOUDFRONT_REGION))):
                for arn, found in list(_imported(place, tags)):
                    if found.get("klotho:construct") in kept:
                        continue
                    try:
                        place.certificates.delete_certificate(CertificateArn=arn)
                    except ClientError as error:
                        # Somebody else uses it, or is just letting go of it: the next deployment sees it again.
                        if error.response["Error"]["Code"] not in _STILL_FINE:
                            raise


def _clients(task: Task, part: str) -> Clients:
    return task.clients.in_region(CLOUDFRONT_REGION) if part == "cloudfront" else task.clients


def _import(clients: Clients, task: Task, body: bytes, digest: str, known: str | None) -> str:
    certificates = _PEM.findall(body)
    if not certificates:
        raise _unreadable(task, str(task.properties["certificate"]), "it holds no certificate in PEM form")
    request: dict[str, Any] = {
        "Certificate": certificates[0] + b"\n",
        "PrivateKey": _read(task, str(task.properties["key"])),
    }
    if len(certificates) > 1:
        request["CertificateChain"] = b"\n".join(certificates[1:]) + b"\n"
    tags = [{"Key": key, "Value": value} for key, value in sorted({**task.tags, DIGEST_TAG: digest}.items())]
    with translated("importing a certificate"):
        if known is None:
            return str(clients.certificates.import_certificate(**request, Tags=tags)["CertificateArn"])
        # Tags can't be given when importing again. Cut short between the two, the next run imports once more.
        clients.certificates.import_certificate(**request, CertificateArn=known)
        clients.certificates.add_tags_to_certificate(CertificateArn=known, Tags=tags)
    return known


def _find(clients: Clients, tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The ARN and digest of what was imported for these tags; the oldest, should a crash ever have made two."""
    with translated("looking for an imported certificate"):
        found = sorted((arn, known.get(DIGEST_TAG, "")) for arn, known in _imported(clients, tags))
    return found[0] if found else None


def _imported(clients: Clients, tags: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Imported certificates that carry all these tags."""
    pages = clients.certificates.get_paginator("list_certificates").paginate(Includes={"keyTypes": list(_KEY_TYPES)})
    for page in pages:
        for summary in page["CertificateSummaryList"]:
            if summary.get("Type", "IMPORTED") != "IMPORTED":
                continue
            arn = str(summary["CertificateArn"])
            listed = clients.certificates.list_tags_for_certificate(CertificateArn=arn).get("Tags", ())
            known = {tag["Key"]: tag.get("Value", "") for tag in listed}
            if tags.items() <= known.items():
                yield arn, known


def _read(task: Task, path: str) -> bytes:
    try:
        return Path(task.program_root, path).read_bytes()
    except OSError as error:
        raise _unreadable(task, path, (error.strerror or str(error)).lower()) from error


def _unreadable(task: Task, path: str, why: str) -> Failure:
    return Failure("file-refused", f"`{path}` can't be read: {why}", at=task.span, helps=("correct it and run again",))
