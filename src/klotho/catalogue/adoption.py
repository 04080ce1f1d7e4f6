"""`existing=`: infrastructure that is there already, referred to by its ARN or name and never changed.

Input: what the user gave. Output: one `Adopt` with what `Ref` and `Fn::GetAtt` would have given, worked out from the id
alone: no call to AWS, so that compiling needs no network. Refuses an ARN of another service or resource, and text that
is neither an ARN nor a name. Source of the forms: Service Authorization Reference, "Resource types" of each service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from klotho.application import Construct
from klotho.diagnostics import Report
from klotho.resources import Adopt, Pseudo, ResourceKey, Value, join

if TYPE_CHECKING:
    from klotho.catalogue.rules import Setting


class Found(NamedTuple):
    """An existing resource, taken apart; when only a name is given, the place is the one deployed to."""

    partition: Value
    region: Value
    account: Value
    name: str
    arn: Value


class Adoption(NamedTuple):
    """How a kind is told by an ARN or a name."""

    type: str
    key: Callable[[Construct], ResourceKey]
    """Of the resource that relationship rules refer to."""
    service: str
    resource: str
    """The last part of the ARN with `{}` for the name: `table/{}`."""
    name: str
    """Names AWS takes, as a regular expression."""
    identifier: Callable[[Found], Value]
    attributes: Mapping[str, Callable[[Found], Value]] = {}
    arn_only: bool = False
    """Whether the name alone does not tell the ARN."""
    global_name: bool = False
    """Whether the ARN holds neither region nor account, as those of buckets."""
    example: str = "orders"
    """A name for messages."""
    takes: frozenset[str] = frozenset()
    """Parameters that say something of an existing one; all others would change it."""
    check: Callable[[Construct, Setting, Report], None] = lambda construct, setting, report: None
    """Reports what else an adopted one lacks."""


def adopt(construct: Construct, adoption: Adoption, given: str) -> Adopt:
    """The action for a construct that passed `check_adoption`."""
    found = _found(adoption, given)
    assert found is not None, given
    attributes = {name: make(found) for name, make in adoption.attributes.items()}
    return Adopt(adoption.key(construct), adoption.type, adoption.identifier(found), attributes)


def check_adoption(construct: Construct, adoption: Adoption, given: str, report: Report) -> None:
    """Report an id that is none of this kind's."""
    _check_parameters(construct, adoption, report)
    if _found(adoption, given) is not None:
        return
    example = _example(adoption)
    either = f"an ARN such as `{example}`" + ("" if adoption.arn_only else f", or the name alone: `{adoption.example}`")
    report.error(
        "bad-existing",
        f"`existing=` of {construct.title} is no {adoption.type}: `{given}`",
        construct.place("existing"),
        helps=[f"give {either}"],
    )


def _check_parameters(construct: Construct, adoption: Adoption, report: Report) -> None:
    """What is there already is not changed; in other environments, where it is made, its parameters count."""
    if not isinstance(construct.existing, str):
        return
    for name in construct.properties:
        if name not in adoption.takes:
            report.error(
                "existing-changed",
                f"{construct.title} is there already (`existing=`) and never changed: `{name}` has no effect on it",
                construct.place(name),
                helps=[f"leave out `{name}=`, or leave out `existing=` and let Klotho make it"],
            )


def _example(adoption: Adoption) -> str:
    place = ":" if adoption.global_name else "eu-central-1:123456789012"
    name = f"{adoption.example}-a1B2c3" if adoption.arn_only else adoption.example
    return f"arn:aws:{adoption.service}:{place}:{adoption.resource.format(name)}"


def _found(adoption: Adoption, given: str) -> Found | None:
    if given.startswith("arn:"):
        return _from_arn(adoption, given)
    if adoption.arn_only or not re.fullmatch(adoption.name, given):
        return None
    partition, region, account = Pseudo("AWS::Partition"), Pseudo("AWS::Region"), Pseudo("AWS::AccountId")
    place = (":",) if adoption.global_name else (region, ":", account)
    arn = join("arn:", partition, f":{adoption.service}:", *place, ":", adoption.resource.format(given))
    return Found(partition, region, account, given, arn)


def _from_arn(adoption: Adoption, given: str) -> Found | None:
    parts = given.split(":", 5)
    if len(parts) != 6:
        return None
    _, partition, service, region, account, resource = parts
    placed = not (region or account) if adoption.global_name else bool(region and re.fullmatch(r"\d{12}", account))
    before, _, after = adoption.resource.partition("{}")
    name = resource.removeprefix(before).removesuffix(after) if after else resource.removeprefix(before)
    fits = resource == adoption.resource.format(name) and re.fullmatch(adoption.name, name)
    if service != adoption.service or not placed or not fits or not re.fullmatch(r"aws(-[a-z]+)*", partition):
        return None
    return Found(partition, region, account, name, given)
