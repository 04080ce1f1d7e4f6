"""`AWS::SSM::Parameter`: a parameter of the local cloud's Parameter Store.

Input: the resource's properties. Output: the parameter, its name as `Ref`. Refuses, as AWS does, a name that is taken
or not allowed, values that are too long or do not fit AllowedPattern. Refused by name: SecureString (which
CloudFormation does not make either), Policies, data types other than `text`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Properties, Record, Request
from klotho.localcloud.identity import digest
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.ssm.store import Draft, Version

AUTHOR = "cloudformation.amazonaws.com"


class SsmParameter(Handler):
    """Creates, changes and deletes parameters; the identifier is the name."""

    type_name: ClassVar[str] = "AWS::SSM::Parameter"
    carries: ClassVar[frozenset[str]] = frozenset(
        {"AllowedPattern", "DataType", "Description", "Name", "Tags", "Tier", "Type", "Value"}
    )

    async def create(self, request: Request) -> Outcome:
        store = self.cloud.parameters
        name = str(request.properties.get("Name") or f"CFN-{request.logical_id}-{digest(request.token, 12).upper()}")
        try:
            store.create(name, _draft(request.properties), _tags(request), owner=request.token, author=AUTHOR)
        except ApiError as error:
            code = "AlreadyExists" if error.code == "ParameterAlreadyExists" else error.code
            raise HandlerError(error.message, code) from error
        return Outcome(name, {"Arn": store.arn(name)})

    async def update(self, request: Request) -> Outcome:
        assert request.identifier is not None
        store, draft = self.cloud.parameters, _draft(request.properties)
        try:
            current = store.get(request.identifier)
            if not _same(current, draft):
                store.change(request.identifier, draft, author=AUTHOR)
            store.set_tags(request.identifier, _tags(request))
        except ApiError as error:
            raise HandlerError(error.message, error.code) from error
        return Outcome(request.identifier, dict(request.attributes))

    def live(self, record: Record) -> Properties | None:
        try:
            found, tags = self.cloud.parameters.get(record.identifier), self.cloud.parameters.tags(record.identifier)
        except ApiError:
            return None
        now = {"Value": found.value, "Type": found.kind, "Description": found.description or ""}
        own = {name: value for name, value in tags.items() if record.tags.get(name) != value}
        return {**record.properties, **now, "AllowedPattern": found.pattern or "", "Tags": own}

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            self.cloud.parameters.delete(request.identifier)


def _draft(properties: Properties) -> Draft:
    if properties.get("DataType", "text") != "text":
        raise HandlerError(f"the local cloud carries DataType text only, not {properties['DataType']}", "Invalid")
    return Draft(
        value=str(properties["Value"]),
        kind=str(properties["Type"]),
        description=_optional(properties.get("Description")),
        pattern=_optional(properties.get("AllowedPattern")),
        tier=str(properties.get("Tier", "Standard")),
    )


def _same(current: Version, draft: Draft) -> bool:
    """A retry of an update must not make a second version."""
    tiers = (current.tier, "Intelligent-Tiering")
    now = (current.kind, current.value, current.description, current.pattern)
    return now == (draft.kind, draft.value, draft.description, draft.pattern) and draft.tier in tiers


def _tags(request: Request) -> dict[str, str]:
    """The stack's tags under the resource's own."""
    own = {str(key): str(value) for key, value in (request.properties.get("Tags") or {}).items()}
    return {**request.tags, **own}


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
