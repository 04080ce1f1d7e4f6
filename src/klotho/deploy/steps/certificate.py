"""Imports a certificate from PEM files into ACM: CloudFormation has no resource that could, and must not see the key.

Input: paths of two files. Output: the certificate's ARN, the same for ever: a changed file is imported again into it,
so that what uses it changes without a deployment. What was imported is told by its tags; the digest is that of the
certificate's file (a certificate with another key is another certificate). The key goes from the file into the request
and nowhere else. Source: ACM API Reference, ImportCertificate ("reimport").
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from klotho.deploy.place import Clients, translated
from klotho.deploy.steps.held import CLOUDFRONT_REGION, held, let_go, tag_list
from klotho.deploy.steps.step import Task
from klotho.diagnostics import Failure

DIGEST_TAG = "klotho:digest"
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
        for place in dict.fromkeys((clients, clients.in_region(CLOUDFRONT_REGION))):
            let_go(place, "IMPORTED", tags, kept)


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
    tags = tag_list({**task.tags, DIGEST_TAG: digest})
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
        found = sorted((arn, known.get(DIGEST_TAG, "")) for arn, known in held(clients, "IMPORTED", tags))
    return found[0] if found else None


def _read(task: Task, path: str) -> bytes:
    try:
        return Path(task.program_root, path).read_bytes()
    except OSError as error:
        raise _unreadable(task, path, (error.strerror or str(error)).lower()) from error


def _unreadable(task: Task, path: str, why: str) -> Failure:
    return Failure("file-refused", f"`{path}` can't be read: {why}", at=task.span, helps=("correct it and run again",))
