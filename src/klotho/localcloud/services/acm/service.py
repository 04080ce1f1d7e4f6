"""The ACM API of the local cloud.

Input: authenticated calls in JSON 1.1 (`CertificateManager.*`). Output: ACM's answers; certificates are durable in
`Certificates`. Refuses by name every operation that is not carried, validation by mail, and private authorities. As on
AWS a requested certificate is pending until its record is in the hosted zone; not as there, it is issued in that
moment, by this machine's own authority. Operations that AWS throttles are not.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse
from klotho.localcloud.services.acm.store import REQUESTED, Certificate, Certificates, validation_record

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
    token = f"{REQUESTED}{domain}/{given}" if given else f"{REQUESTED}{wire.request_id()}"
    return {"CertificateArn": certificates.issue(domain, others, _tags(asked), token)}


def _describe(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    found = certificates.get(_arn(asked))
    facts, pending = found.facts, certificates.pending(found)
    shown: dict[str, Any] = {
        "CertificateArn": found.arn,
        "DomainName": facts["domain"],
        "SubjectAlternativeNames": facts["names"],
        "Type": found.type,
        "Status": _status(pending),
        "KeyAlgorithm": facts["algorithm"].replace("RSA_", "RSA-"),
        "Subject": facts["subject"],
        "InUseBy": certificates.in_use(found.arn),
        "RenewalEligibility": "ELIGIBLE" if found.type == "AMAZON_ISSUED" else "INELIGIBLE",
        "Options": {"CertificateTransparencyLoggingPreference": "DISABLED"},
    }
    if not pending:
        shown |= {
            "NotBefore": facts["not_before"],
            "NotAfter": facts["not_after"],
            "Serial": facts["serial"],
            "Issuer": facts["issuer"],
        }
    if found.type == "IMPORTED":
        shown["ImportedAt"] = found.created
    else:
        shown |= {"CreatedAt": found.created, **({} if pending else {"IssuedAt": found.created})}
        shown["DomainValidationOptions"] = [_validation(name, pending) for name in facts["names"]]
    return {"Certificate": shown}


def _status(pending: bool) -> str:
    return "PENDING_VALIDATION" if pending else "ISSUED"


def _validation(name: str, pending: bool) -> dict[str, Any]:
    record, value = validation_record(name)
    return {
        "DomainName": name,
        "ValidationStatus": _status(pending) if pending else "SUCCESS",
        "ValidationMethod": "DNS",
        "ResourceRecord": {"Name": record, "Type": "CNAME", "Value": value},
    }


def _get(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    found = certificates.get(_arn(asked))
    if certificates.pending(found):
        raise ApiError("RequestInProgressException", f"The certificate {found.arn} is not issued yet.")
    certificate, chain = certificates.texts(found)
    return {"Certificate": certificate, **({"CertificateChain": chain} if chain else {})}


def _list(certificates: Certificates, asked: Parameters) -> dict[str, Any]:
    includes = asked.get("Includes") or {}
    unknown = sorted(set(includes) - {"keyTypes"})
    if unknown:
        raise ApiError("NotImplemented", f"klotho's local cloud does not carry Includes.{unknown[0]}", 501)
    key_types = includes.get("keyTypes") or _LISTED_WITHOUT_FILTER
    statuses = asked.get("CertificateStatuses") or ("ISSUED", "PENDING_VALIDATION")
    found = [(item, _status(certificates.pending(item))) for item in certificates.all()]
    shown = [pair for pair in found if pair[0].facts["algorithm"] in key_types and pair[1] in statuses]
    return {"CertificateSummaryList": [_summary(item, status, certificates) for item, status in shown]}


def _summary(item: Certificate, status: str, certificates: Certificates) -> dict[str, Any]:
    return {
        "CertificateArn": item.arn,
        "DomainName": item.facts["domain"],
        "SubjectAlternativeNameSummaries": item.facts["names"],
        "Type": item.type,
        "Status": status,
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
