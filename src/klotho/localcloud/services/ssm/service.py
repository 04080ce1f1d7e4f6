"""The Parameter Store API over `Parameters`.

Input: JSON 1.1 requests (`AmazonSSM.*`). Output: AWS's answers. Refuses by name every other operation of Systems
Manager, parameters it does not know, labels, parameter policies, data types other than `text`, keys other than
`alias/aws/ssm` and filters other than those below.

A SecureString asked for without decryption is an opaque text, as on AWS: what it says can't be read back from it.

Source: AWS Systems Manager API Reference.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klotho.localcloud import wire
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse, Caller, session_arn
from klotho.localcloud.services.ssm.rules import SECURE, TIERS, TYPES, invalid, selected
from klotho.localcloud.services.ssm.store import Draft, Parameters, Version, not_found

Asked = Mapping[str, Any]

OWN_KEY = "alias/aws/ssm"
MAX_NAMES = 10
_BY_PATH_PAGE, _PAGE = 10, 50
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "AddTagsToResource": frozenset({"ResourceId", "ResourceType", "Tags"}),
    "DeleteParameter": frozenset({"Name"}),
    "DeleteParameters": frozenset({"Names"}),
    "DescribeParameters": frozenset({"MaxResults", "NextToken", "ParameterFilters"}),
    "GetParameter": frozenset({"Name", "WithDecryption"}),
    "GetParameterHistory": frozenset({"MaxResults", "Name", "NextToken", "WithDecryption"}),
    "GetParameters": frozenset({"Names", "WithDecryption"}),
    "GetParametersByPath": frozenset(
        {"MaxResults", "NextToken", "ParameterFilters", "Path", "Recursive", "WithDecryption"}
    ),
    "ListTagsForResource": frozenset({"ResourceId", "ResourceType"}),
    "PutParameter": frozenset(
        {"AllowedPattern", "DataType", "Description", "KeyId", "Name", "Overwrite", "Tags", "Tier", "Type", "Value"}
    ),
    "RemoveTagsFromResource": frozenset({"ResourceId", "ResourceType", "TagKeys"}),
}


class SsmService:
    """PutParameter, GetParameter, GetParameters, GetParametersByPath, GetParameterHistory, DescribeParameters,
    DeleteParameter, DeleteParameters, AddTagsToResource, RemoveTagsFromResource, ListTagsForResource."""

    name = "ssm"

    def __init__(self, parameters: Parameters, account: str) -> None:
        self._parameters = parameters
        self._account = account
        self._actions: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
            "AddTagsToResource": self._add_tags,
            "DeleteParameter": self._delete,
            "DeleteParameters": self._delete_several,
            "DescribeParameters": self._describe,
            "GetParameter": self._get,
            "GetParameterHistory": self._history,
            "GetParameters": self._get_several,
            "GetParametersByPath": self._by_path,
            "ListTagsForResource": self._list_tags,
            "RemoveTagsFromResource": self._remove_tags,
        }

    async def call(self, call: ApiCall) -> ApiResponse:
        if call.action not in _PARAMETERS:
            raise wire.not_carried("ssm", call.action or f"{call.method} {call.path}")
        asked = {name: value for name, value in wire.parameters(call.body).items() if value is not None}
        for name in asked:
            if name not in _PARAMETERS[call.action]:
                raise invalid(f"klotho's local cloud does not carry {call.action} with {name}")
        if call.action == "PutParameter":
            return wire.json_response(self._put(asked, call.caller))
        return wire.json_response(self._actions[call.action](asked))

    def _put(self, asked: Asked, caller: Caller) -> dict[str, Any]:
        name, overwrite, tags = _name(asked), _truth(asked, "Overwrite"), _tags(asked)
        draft = Draft(
            value=_text(asked, "Value"),
            kind=_one_of(asked, "Type", TYPES),
            description=_text(asked, "Description") or None,
            pattern=_text(asked, "AllowedPattern") or None,
            tier=_one_of(asked, "Tier", TIERS) or "Standard",
        )
        _one_of(asked, "DataType", ("text",))
        if _text(asked, "KeyId") not in ("", OWN_KEY):
            raise ApiError("InvalidKeyId", f"klotho's local cloud carries the key {OWN_KEY} only")
        if overwrite and tags:
            raise invalid(
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
                "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
                "RemoveTagsFromResource."
            )
        author = session_arn(caller, self._account)
        if overwrite and any(item.name == name for item in self._parameters.all()):
            version = self._parameters.change(name, draft, author=author)
        else:
            version = self._parameters.create(name, draft, tags, owner=str(uuid.uuid4()), author=author)
        return {"Version": version.number, "Tier": version.tier}

    def _get(self, asked: Asked) -> dict[str, Any]:
        return {"Parameter": self._selected(_name(asked), _truth(asked, "WithDecryption"))}

    def _get_several(self, asked: Asked) -> dict[str, Any]:
        found, missing = [], []
        for name in _names(asked):
            try:
                found.append(self._selected(name, _truth(asked, "WithDecryption")))
            except ApiError as error:
                if error.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                    raise
                missing.append(name)
        return {"Parameters": found, "InvalidParameters": missing}

    def _by_path(self, asked: Asked) -> dict[str, Any]:
        path = _text(asked, "Path")
        if not path.startswith("/"):
            raise invalid("The parameter doesn't meet the parameter name requirements. The parameter name must begin "
                          "with a forward slash \"/\".")  # fmt: skip
        inside = path.rstrip("/") + "/"
        found = [item for item in self._parameters.all() if item.name.startswith(inside)]
        if not _truth(asked, "Recursive"):
            found = [item for item in found if "/" not in item.name[len(inside) :]]
        found = _filtered(found, asked, ("Type",))
        shown = [self._shown(item, _truth(asked, "WithDecryption")) for item in found]
        return _page("Parameters", shown, asked, _BY_PATH_PAGE)

    def _history(self, asked: Asked) -> dict[str, Any]:
        versions = self._parameters.history(_name(asked))
        decrypt = _truth(asked, "WithDecryption")
        shown = [{**_described(item), "Value": _value(item, decrypt), "Labels": []} for item in versions]
        return _page("Parameters", shown, asked, _PAGE)

    def _describe(self, asked: Asked) -> dict[str, Any]:
        found = _filtered(self._parameters.all(), asked, ("Name", "Type", "Tier", "Path", "DataType"))
        shown = [{**_described(item), "ARN": self._parameters.arn(item.name)} for item in found]
        return _page("Parameters", shown, asked, _PAGE)

    def _delete(self, asked: Asked) -> dict[str, Any]:
        name = _name(asked)
        if not self._parameters.delete(selected(name)[0]):
            raise not_found(name)
        return {}

    def _delete_several(self, asked: Asked) -> dict[str, Any]:
        gone = {name: self._parameters.delete(selected(name)[0]) for name in _names(asked)}
        return {
            "DeletedParameters": [name for name, was_there in gone.items() if was_there],
            "InvalidParameters": [name for name, was_there in gone.items() if not was_there],
        }

    def _add_tags(self, asked: Asked) -> dict[str, Any]:
        name = self._tagged(asked)
        self._parameters.set_tags(name, {**self._parameters.tags(name), **_tags(asked)})
        return {}

    def _remove_tags(self, asked: Asked) -> dict[str, Any]:
        name, keys = self._tagged(asked), asked.get("TagKeys")
        if not isinstance(keys, list):
            raise invalid("TagKeys must be a list")
        kept = {key: value for key, value in self._parameters.tags(name).items() if key not in keys}
        self._parameters.set_tags(name, kept)
        return {}

    def _list_tags(self, asked: Asked) -> dict[str, Any]:
        tags = self._parameters.tags(self._tagged(asked))
        return {"TagList": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def _tagged(self, asked: Asked) -> str:
        if _text(asked, "ResourceType") != "Parameter":
            raise ApiError("InvalidResourceType", "klotho's local cloud has tags of Parameter only")
        name = _text(asked, "ResourceId")
        try:
            self._parameters.tags(name)
        except ApiError:
            raise ApiError("InvalidResourceId", "The resource ID is not valid.") from None
        return name

    def _selected(self, name: str, decrypt: bool) -> dict[str, Any]:
        plain, version, selector = selected(name)
        found = self._shown(self._parameters.get(plain, version), decrypt)
        return found | ({"Selector": selector} if selector else {})

    def _shown(self, item: Version, decrypt: bool) -> dict[str, Any]:
        return {
            "Name": item.name,
            "Type": item.kind,
            "Value": _value(item, decrypt),
            "Version": item.number,
            "LastModifiedDate": item.at,
            "ARN": self._parameters.arn(item.name),
            "DataType": "text",
        }


def _value(item: Version, decrypt: bool) -> str:
    if item.kind != SECURE or decrypt:
        return item.value
    text = f"{item.name}\0{item.number}\0{item.at}"  # not of the value: a short secret could be guessed from that
    return base64.b64encode(hashlib.sha512(text.encode()).digest()).decode()


def _described(item: Version) -> dict[str, Any]:
    optional = {"Description": item.description, "AllowedPattern": item.pattern}
    return {
        "Name": item.name,
        "Type": item.kind,
        "LastModifiedDate": item.at,
        "LastModifiedUser": item.author,
        "Version": item.number,
        "Tier": item.tier,
        "Policies": [],
        "DataType": "text",
        **({"KeyId": OWN_KEY} if item.kind == SECURE else {}),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _filtered(found: Sequence[Version], asked: Asked, keys: Sequence[str]) -> list[Version]:
    filters = asked.get("ParameterFilters") or []
    if not isinstance(filters, list) or not all(isinstance(item, Mapping) for item in filters):
        raise invalid("ParameterFilters must be a list of structures")
    left = list(found)
    for item in filters:
        key, values = _text(item, "Key"), item.get("Values") or []
        if key not in keys:
            raise ApiError("InvalidFilterKey", f"klotho's local cloud does not carry the filter {key or '(none)'} here")
        if not isinstance(values, list) or not values:
            raise ApiError("InvalidFilterValue", f"The filter {key} needs Values.")
        test = _test(key, _text(item, "Option"), [str(value) for value in values])
        left = [version for version in left if test(version)]
    return left


def _test(key: str, option: str, values: Sequence[str]) -> Callable[[Version], bool]:
    if key == "Path":
        if option not in ("", "OneLevel", "Recursive"):
            raise ApiError("InvalidFilterOption", f"{option} is no option of the filter Path.")
        return lambda version: any(_within(version.name, value, option == "Recursive") for value in values)
    options: Mapping[str, Callable[[str, str], bool]] = {
        "": lambda text, value: text == value,
        "Equals": lambda text, value: text == value,
        "BeginsWith": str.startswith,
        **({"Contains": lambda text, value: value in text} if key == "Name" else {}),
    }
    if option not in options:
        raise ApiError("InvalidFilterOption", f"{option} is no option of the filter {key}.")
    read: Mapping[str, Callable[[Version], str]] = {
        "Name": lambda version: version.name,
        "Type": lambda version: version.kind,
        "Tier": lambda version: version.tier,
        "DataType": lambda version: "text",
    }
    return lambda version: any(options[option](read[key](version), value) for value in values)


def _within(name: str, path: str, recursive: bool) -> bool:
    inside = path.rstrip("/") + "/"
    return name.startswith(inside) and (recursive or "/" not in name[len(inside) :])


def _page(name: str, items: Sequence[Any], asked: Asked, most: int) -> dict[str, Any]:
    limit, token = asked.get("MaxResults", most), _text(asked, "NextToken") or "0"
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most:
        raise invalid(f"MaxResults must be between 1 and {most}")
    if not token.isdigit() or len(token) > 9:
        raise ApiError("InvalidNextToken", "The specified token isn't valid.")
    start = int(token)
    answer: dict[str, Any] = {name: list(items[start : start + limit])}
    return answer | ({"NextToken": str(start + limit)} if start + limit < len(items) else {})


def _name(asked: Asked) -> str:
    name = _text(asked, "Name")
    if not name:
        raise invalid("Name is required")
    return name


def _names(asked: Asked) -> list[str]:
    names = asked.get("Names")
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_NAMES:
        raise invalid(f"Names must have between 1 and {MAX_NAMES} members")
    if not all(isinstance(name, str) and name for name in names):
        raise invalid("Names must be texts")
    return list(dict.fromkeys(names))


def _tags(asked: Asked) -> dict[str, str]:
    tags = asked.get("Tags") or []
    try:
        return {str(tag["Key"]): str(tag["Value"]) for tag in tags}
    except (TypeError, KeyError, AttributeError):
        raise invalid("Tags must be a list of Key and Value") from None


def _one_of(asked: Asked, name: str, allowed: Sequence[str]) -> str | None:
    value = _text(asked, name)
    if value and value not in allowed:
        raise invalid(f"{name} {value} is not carried; there are {', '.join(allowed)}")
    return value or None


def _truth(asked: Asked, name: str) -> bool:
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false")
    return value


def _text(asked: Asked, name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise invalid(f"{name} must be text")
    return value
