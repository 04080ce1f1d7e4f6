"""The ACM API of the local cloud.

Input: authenticated calls in JSON 1.1 (`CertificateManager.*`). Output: ACM's answers; certificates are durable in
`Certificates`. Refuses by name every operation that is not carried, validation by mail, and private authorities. Not as
on AWS: a requested certificate is issued at once, by this machine's own authority, because every domain is this
cloud's; operations that AWS throttles are not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.acm.store import Certificate, Certificates

_LISTED_WITHOUT_FILTER = ("RSA_1024", "RSA_2048")
"""ACM API Reference, ListCertificates: others are listed only when their key types are named."""
Parameters = Mapping[str, Any]


class AcmService:
    """ImportCertificate and what belongs to it."""

    name = "acm"

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates

    async def call(self, call: ApiCall) -> ApiResponse:
        operation = OPERATIONS.get(call.action)
        if operation is None:
            raise wire.not_carried("acm", call.action or "(none)")
        return wire.json_response(operation(self._certificates, wire.parameters(call.body)))


def _import(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    parts = (_blob(asked, "Certificate"), _blob(asked, "CertificateChain", ""), _blob(asked, "PrivateKey"))
    given = asked.get("CertificateArn")
    return {"CertificateArn": certificates.import_(*parts, _tags(asked), None if given is None else _arn(asked))}


def _request(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    domain = str(asked.get("DomainName") or "")
    if not domain:
        raise ApiError("ValidationException", "DomainName is required.")
    if asked.get("ValidationMethod", "EMAIL") != "DNS":
        raise ApiError(
            "NotImplemented", "klotho's local cloud carries RequestCertificate with DNS validation only", 501
        )
    if asked.get("CertificateAuthorityArn"):
        raise ApiError("NotImplemented", "klotho's local cloud carries no private certificate authorities", 501)
    others = [str(name) for name in asked.get("SubjectAlternativeNames") or ()]
    # Without a token each request is a certificate of its own.
    given = asked.get("IdempotencyToken")
    token = f"request/{domain}/{given}" if given else f"request/{wire.request_id()}"
    return {"CertificateArn": certificates.issue(domain, others, _tags(asked), token)}


def _describe(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    found = certificates.get(_arn(asked))
    facts = found.facts
    shown: dict[str, Any] = {
        "CertificateArn": found.arn,
        "DomainName": facts["domain"],
        "SubjectAlternativeNames": facts["names"],
        "Type": found.type,
        "Status": "ISSUED",
        "KeyAlgorithm": facts["algorithm"].replace("RSA_", "RSA-"),
        "NotBefore": facts["not_before"],
        "NotAfter": facts["not_after"],
        "Serial": facts["serial"],
        "Subject": facts["subject"],
        "Issuer": facts["issuer"],
        "InUseBy": certificates.in_use(found.arn),
        "RenewalEligibility": "ELIGIBLE" if found.type == "AMAZON_ISSUED" else "INELIGIBLE",
        "Options": {"CertificateTransparencyLoggingPreference": "DISABLED"},
    }
    if found.type == "IMPORTED":
        shown["ImportedAt"] = found.created
    else:
        shown |= {"CreatedAt": found.created, "IssuedAt": found.created}
        shown["DomainValidationOptions"] = [_validation(name) for name in facts["names"]]
    return {"Certificate": shown}


def _validation(name: str) -> dict[str, Any]:
    """The record that proves the name; the same for the same name, as ACM's is within an account."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    record = {"Name": f"_{digest[:32]}.{name}.", "Type": "CNAME", "Value": f"_{digest[32:]}.acm-validations.aws."}
    return {"DomainName": name, "ValidationStatus": "SUCCESS", "ValidationMethod": "DNS", "ResourceRecord": record}


def _get(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    certificate, chain = certificates.texts(certificates.get(_arn(asked)))
    return {"Certificate": certificate, **({"CertificateChain": chain} if chain else {})}


def _list(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    includes = asked.get("Includes") or {}
    unknown = sorted(set(includes) - {"keyTypes"})
    if unknown:
        raise ApiError("NotImplemented", f"klotho's local cloud does not carry Includes.{unknown[0]}", 501)
    key_types = includes.get("keyTypes") or _LISTED_WITHOUT_FILTER
    statuses = asked.get("CertificateStatuses") or ("ISSUED",)
    found = [item for item in certificates.all() if item.facts["algorithm"] in key_types and "ISSUED" in statuses]
    return {"CertificateSummaryList": [_summary(item, certificates) for item in found]}


def _summary(item: Certificate, certificates: Certificates) -> dict[str, Any]:
    return {
        "CertificateArn": item.arn,
        "DomainName": item.facts["domain"],
        "SubjectAlternativeNameSummaries": item.facts["names"],
        "Type": item.type,
        "Status": "ISSUED",
        "KeyAlgorithm": item.facts["algorithm"].replace("RSA_", "RSA-"),
        "InUse": bool(certificates.in_use(item.arn)),
        "NotAfter": item.facts["not_after"],
    }


def _delete(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    certificates.delete(_arn(asked))
    return {}


def _list_tags(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    tags = certificates.get(_arn(asked)).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


def _add_tags(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    certificates.tag(_arn(asked), _tags(asked))
    return {}


def _remove_tags(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    certificates.tag(_arn(asked), {}, removed=_tags(asked))
    return {}


OPERATIONS: Mapping[str, Callable[[Certificates, Parameters], dict[str, Any]]] = {
    "AddTagsToCertificate": _add_tags,
    "DeleteCertificate": _delete,
    "DescribeCertificate": _describe,
    "GetCertificate": _get,
    "ImportCertificate": _import,
    "ListCertificates": _list,
    "ListTagsForCertificate": _list_tags,
    "RemoveTagsFromCertificate": _remove_tags,
    "RequestCertificate": _request,
}


def _arn(asked: Parameters) -> str:
    arn = asked.get("CertificateArn")
    if not isinstance(arn, str) or ":acm:" not in arn:
        raise ApiError("InvalidArnException", "The CertificateArn is not the ARN of a certificate.")
    return arn


def _blob(asked: Parameters, name: str, default: str | None = None) -> bytes:
    value = asked.get(name, default)
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else _required(name)
    except binascii.Error:
        raise ApiError("ValidationException", f"{name} is not base64.") from None


def _required(name: str) -> bytes:
    raise ApiError("ValidationException", f"{name} is required.")


def _tags(asked: Parameters) -> dict[str, str]:
    tags = asked.get("Tags") or ()
    if not all(isinstance(tag, Mapping) and isinstance(tag.get("Key"), str) for tag in tags):
        raise ApiError("InvalidTagException", "Each tag needs a Key.")
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags}
