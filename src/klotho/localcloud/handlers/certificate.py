"""AWS::CertificateManager::Certificate: issued by this machine's own authority.

Input: host names. Output: the certificate's ARN, at once: every domain is this cloud's own, so there is nothing to wait
for. Refuses by name validation by mail, which is CloudFormation's default, and what is not in `carries`.
"""

from __future__ import annotations

from typing import ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Request
from klotho.localcloud.service import ApiError


class CertificateHandler(Handler):
    """A certificate ACM issues; the identifier is its ARN."""

    type_name: ClassVar[str] = "AWS::CertificateManager::Certificate"
    carries: ClassVar[frozenset[str]] = frozenset(
        {"DomainName", "DomainValidationOptions", "SubjectAlternativeNames", "Tags", "ValidationMethod"}
    )

    async def create(self, request: Request) -> Outcome:
        properties = request.properties
        _check(properties)
        others = [str(name) for name in properties.get("SubjectAlternativeNames", ())]
        arn = self.cloud.certificates.issue(str(properties["DomainName"]), others, _tags(request), request.token)
        return Outcome(arn, {"CertificateArn": arn})

    async def update(self, request: Request) -> Outcome:
        _check(request.properties)
        arn = str(request.identifier)
        try:
            self.cloud.certificates.retag(arn, _tags(request))
        except ApiError as error:
            raise HandlerError(error.message, "NotFound") from error
        return Outcome(arn, dict(request.attributes))

    async def delete(self, request: Request) -> None:
        try:
            self.cloud.certificates.delete(str(request.identifier))
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise HandlerError(error.message, "ResourceInUse") from error


def _check(properties: Properties) -> None:
    if properties.get("ValidationMethod", "EMAIL") != "DNS":
        raise HandlerError("ValidationMethod EMAIL is not supported by the local cloud; use DNS", "InvalidRequest")


def _tags(request: Request) -> dict[str, str]:
    own = {str(tag["Key"]): str(tag["Value"]) for tag in request.properties.get("Tags", ())}
    return {**request.tags, **own}
