"""Certificates that deployer steps hold in ACM, told by their tags.

Input: clients of one region, tags, a type as ACM says it (`IMPORTED`, `AMAZON_ISSUED`). Output: their ARNs and tags.
Refuses nothing. Source: ACM API Reference, ListCertificates (which lists RSA 2048 only unless key types are named).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klotho.deploy.place import Clients, translated

CLOUDFRONT_REGION = "us-east-1"
_KEY_TYPES = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")
_STILL_FINE = ("ResourceInUseException", "ResourceNotFoundException")


def held(
    clients: Clients, type_: str, tags: Mapping[str, str], statuses: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, str]]]:
    """The ARN and all tags of each certificate of this type that carries these tags."""
    asked: dict[str, Any] = {"Includes": {"keyTypes": list(_KEY_TYPES)}}
    if statuses:
        asked["CertificateStatuses"] = list(statuses)
    for page in clients.certificates.get_paginator("list_certificates").paginate(**asked):
        for summary in page["CertificateSummaryList"]:
            if summary.get("Type", type_) != type_:
                continue
            arn = str(summary["CertificateArn"])
            listed = clients.certificates.list_tags_for_certificate(CertificateArn=arn).get("Tags", ())
            known = {tag["Key"]: tag.get("Value", "") for tag in listed}
            if tags.items() <= known.items():
                yield arn, known


def let_go(
    clients: Clients, type_: str, tags: Mapping[str, str], kept: frozenset[str], statuses: Sequence[str] = ()
) -> None:
    """Delete those whose construct is not `kept`."""
    from botocore.exceptions import ClientError

    with translated("removing certificates nobody uses any more"):
        for arn, found in list(held(clients, type_, tags, statuses)):
            if found.get("klotho:construct") in kept:
                continue
            try:
                clients.certificates.delete_certificate(CertificateArn=arn)
            except ClientError as error:
                # Somebody else uses it, or is just letting go of it: the next deployment sees it again.
                if error.response["Error"]["Code"] not in _STILL_FINE:
                    raise


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as ACM's API takes them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
