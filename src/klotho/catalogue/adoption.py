"""`existing=`: infrastructure that is there already, referred to and never changed.

A kind declares one `Adoption`: how its id is written, which resources of its construct the id stands for, and which
*facts* about it others need. A fact is told by the id, by the user (`Existing(…, security_group="sg-…")`), or looked up
by the deployer's step `adopted` where `Fact.path` says under which property AWS has it: then it is a parameter of the
template, so that compiling needs no network. All three end in one `Adopt` action a resource: the rules of the
catalogue name resources as ever, and the fold puts in what is adopted.

Refuses an ARN of another service or resource, text that is neither an ARN nor a name, and facts the kind has no use
for. Source of the forms: Service Authorization Reference, "Resource types" of each service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from klotho.application import Construct, Existing
from klotho.diagnostics import Report, meant_or_listed
from klotho.resources import Adopt, DeployerStep, Provided, Pseudo, ResourceKey, Value, join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klotho.catalogue.rules import Implementation, NetworkPlace, ServiceNeed, Setting
    from klotho.resources import PackageAsset
    from klotho.resources.changes import Action

STEP = "adopted"
"""The deployer's step that looks facts up."""


class Fact(NamedTuple):
    """Something `Existing` may say of a kind."""

    about: str
    path: str = ""
    """Where it is looked up when it is not told: property names of the resource, and places in lists, joined by `.`."""
    default: Any = None
    required: bool = False


class Found(NamedTuple):
    """An existing resource, taken apart; when only a name is given, the place is the one deployed to."""

    partition: Value
    region: Value
    account: Value
    name: str
    arn: Value
    construct: str = ""
    facts: Mapping[str, Any] = {}
    """As told."""
    known: Mapping[str, Fact] = {}

    def fact(self, name: str) -> Value:
        """As told, else its default, else what is looked up; None for what is neither."""
        if name in self.facts:
            return self.facts[name]
        fact = self.known[name]
        return self.look(fact.path) if fact.path and fact.default is None else fact.default

    def look(self, path: str) -> Value:
        """A property of the resource as it is when the stacks are deployed."""
        return Provided(self.construct, STEP, path)


Told = Callable[[Found], Value]


class Beside(NamedTuple):
    """Another resource of the construct that is there already; not where nothing tells its identifier."""

    type: str
    key: Callable[[Construct], ResourceKey]
    identifier: Told
    attributes: Mapping[str, Told]


class Adoption(NamedTuple):
    """How a kind is told by an ARN or a name, and what must be known of it besides."""

    type: str
    key: Callable[[Construct], ResourceKey]
    """Of the resource that relationship rules refer to."""
    service: str
    resource: str
    """The last part of the ARN with `{}` for the name: `table/{}`."""
    name: str
    """Names AWS takes, as a regular expression."""
    identifier: Told
    attributes: Mapping[str, Told] = {}
    beside: tuple[Beside, ...] = ()
    outputs: frozenset[str] | None = None
    """The outputs of the kind that can be told; None for all."""
    facts: Mapping[str, Fact] = {}
    looked_up: Callable[[Found], tuple[str, str]] | None = None
    """The type and the identifier, as Cloud Control has them, of what facts with a path are looked up of."""
    arn_only: bool = False
    """Whether the name alone does not tell the ARN."""
    example: str = "orders"
    """A name for messages."""
    takes: frozenset[str] = frozenset()
    """Parameters that say something of an existing one; all others would change it."""
    check: Callable[[Construct, Setting, Report], None] = lambda construct, setting, report: None
    """Reports what else an adopted one lacks."""
    networked: bool = False
    """Whether its callers reach it inside a network, through a security group: it takes `ingress`."""
    ours: Callable[[Construct, Setting], Iterable[Action]] = lambda construct, setting: ()
    """What is made beside it all the same, in this application: no change of what is there."""
    enter_network: Callable[[Construct, NetworkPlace, Setting], Iterable[Action]] | None = None
    """How that enters the network."""
    needs: Callable[[Construct, Setting], Iterable[ServiceNeed]] = lambda construct, setting: ()
    asset: Callable[[Construct, Setting], PackageAsset | None] = lambda construct, setting: None


def group_beside(key: Callable[[Construct], ResourceKey]) -> Beside:
    """The security group that lets the callers of something in, by its fact `security_group`."""
    told: Told = lambda found: found.fact("security_group")  # noqa: E731 - one value twice
    return Beside("AWS::EC2::SecurityGroup", key, told, {"GroupId": told})


INGRESS = Fact("False makes no rule in its security group: it lets its callers in by itself", default=True)


def facts_of(adoption: Adoption) -> Mapping[str, Fact]:
    """What `Existing` may say of the kind."""
    return {**adoption.facts, **({"ingress": INGRESS} if adoption.networked else {})}


def found(construct: Construct, adoption: Adoption, given: Existing) -> Found | None:
    """What is adopted; None for an id that is none of the kind's."""
    parts = _found(adoption, given.id)
    if parts is None:
        return None
    return parts._replace(construct=construct.id, facts=given.facts, known=facts_of(adoption))


def adopt(construct: Construct, setting: Setting) -> Iterator[Action]:
    """It is there: its resources are named, and what stands beside it is made."""
    adoption, it = _adopted(construct, setting)
    yield Adopt(adoption.key(construct), adoption.type, adoption.identifier(it), _told(adoption.attributes, it))
    for other in adoption.beside:
        identifier = other.identifier(it)
        if identifier is not None:
            yield Adopt(other.key(construct), other.type, identifier, _told(other.attributes, it))
    yield from adoption.ours(construct, setting)


def look_up(construct: Construct, setting: Setting) -> Iterator[DeployerStep]:
    """The step that finds what nobody told."""
    adoption, it = _adopted(construct, setting)
    facts = {fact.path: name for name, fact in adoption.facts.items() if fact.path and it.facts.get(name) is None}
    if adoption.looked_up is None or not facts:
        return
    type_name, identifier = adoption.looked_up(it)
    place = {"region": it.region} if isinstance(it.region, str) and it.region else {}
    told = {"id": existing_of(construct, setting).id, "type": type_name, "identifier": identifier}
    yield DeployerStep(construct.id, STEP, {**told, **place, "facts": facts})


def fact_of(construct: Construct, setting: Setting, name: str) -> Value:
    """A fact of an adopted construct, told or looked up; None for what is neither."""
    return _adopted(construct, setting)[1].fact(name)


def makes_rules(construct: Construct, setting: Setting) -> bool:
    """Whether callers of the construct are let in by a security-group rule of ours."""
    given = setting.adopted(construct)
    return given is None or bool(given.facts.get("ingress", True))


def existing_of(construct: Construct, setting: Setting) -> Existing:
    """What is adopted; only asked of what is."""
    given = setting.adopted(construct)
    assert given is not None, construct.id
    return given


def _adopted(construct: Construct, setting: Setting) -> tuple[Adoption, Found]:
    adoption = setting.implementation(construct).adoption
    assert adoption is not None, construct.id
    it = found(construct, adoption, existing_of(construct, setting))
    assert it is not None, construct.id
    return adoption, it


def _told(attributes: Mapping[str, Told], it: Found) -> dict[str, Value]:
    told = {name: make(it) for name, make in attributes.items()}
    return {name: value for name, value in told.items() if value is not None}


def check_adoption(construct: Construct, implementation: Implementation, setting: Setting, report: Report) -> None:
    """Report an id that is none of this kind's, and facts that are missing or mean nothing."""
    adoption, given = implementation.adoption, setting.adopted(construct)
    assert adoption is not None and given is not None, construct.id
    if not given.id:
        return  # what is wrong with it is reported already
    _check_parameters(construct, adoption, report)
    _check_facts(construct, adoption, given, report)
    if _found(adoption, given.id) is None:
        example = _example(adoption)
        name = "" if adoption.arn_only else f", or the name alone: `{adoption.example}`"
        report.error(
            "bad-existing",
            f"`existing=` of {construct.title} is no {adoption.type}: `{given.id}`",
            construct.place("existing"),
            helps=[f"give an ARN such as `{example}`{name}"],
        )
        return
    if adoption.networked and makes_rules(construct, setting) and not setting.in_existing_network:
        report.error(
            "existing-elsewhere",
            f"{construct.title} is there already, in a network this application does not live in",
            construct.place("existing"),
            helps=[
                'say in which: `Network(existing="vpc-…", subnets=["subnet-…", "subnet-…"])`',
                "or say `ingress=False` if it is reached over the internet",
            ],
        )
    adoption.check(construct, setting, report)


def _check_facts(construct: Construct, adoption: Adoption, given: Existing, report: Report) -> None:
    known = facts_of(adoption)
    for name in given.facts:
        if name not in known:
            report.error(
                "bad-existing",
                f"`{name}` of `Existing` says nothing of {construct.title}",
                construct.place("existing"),
                helps=[meant_or_listed(name, known) or "leave it out: its id tells everything"],
            )
    for name, fact in known.items():
        if fact.required and name not in given.facts:
            report.error(
                "bad-existing",
                f"`existing=` of {construct.title} does not tell `{name}`: {fact.about}",
                construct.place("existing"),
                helps=[f'say it: `existing=Existing("{given.id}", {name}=…)`'],
            )


def _check_parameters(construct: Construct, adoption: Adoption, report: Report) -> None:
    """What is there already is not changed; in other environments, where it is made, its parameters count."""
    if not isinstance(construct.existing, Existing):
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
    region, account = _placed(adoption.service, "eu-central-1", "123456789012")
    name = f"{adoption.example}-a1B2c3" if adoption.resource.startswith("secret:") else adoption.example
    return f"arn:aws:{adoption.service}:{region}:{account}:{adoption.resource.format(name)}"


_HOLDS = {"s3": (False, False), "cloudfront": (False, True), "apigateway": (True, False)}
"""Services whose ARNs lack a region or an account."""


def _placed(service: str, region: Value, account: Value) -> tuple[Value, Value]:
    has_region, has_account = _HOLDS.get(service, (True, True))
    return region if has_region else "", account if has_account else ""


def _found(adoption: Adoption, given: str) -> Found | None:
    if given.startswith("arn:"):
        return _from_arn(adoption, given)
    if adoption.arn_only or not re.fullmatch(adoption.name, given):
        return None
    partition, region, account = Pseudo("AWS::Partition"), Pseudo("AWS::Region"), Pseudo("AWS::AccountId")
    placed = _placed(adoption.service, region, account)
    arn = join(
        "arn:", partition, f":{adoption.service}:", placed[0], ":", placed[1], f":{adoption.resource.format(given)}"
    )
    return Found(partition, region, account, given, arn)


def _from_arn(adoption: Adoption, given: str) -> Found | None:
    parts = given.split(":", 5)
    if len(parts) != 6:
        return None
    _, partition, service, region, account, resource = parts
    has_region, has_account = _HOLDS.get(service, (True, True))
    placed = bool(region) is has_region and bool(re.fullmatch(r"\d{12}" if has_account else "", account))
    before, _, after = adoption.resource.partition("{}")
    name = resource.removeprefix(before).removesuffix(after) if after else resource.removeprefix(before)
    fits = resource == adoption.resource.format(name) and re.fullmatch(adoption.name, name)
    if service != adoption.service or not placed or not fits or not re.fullmatch(r"aws(-[a-z]+)*", partition):
        return None
    return Found(partition, region, account, name, given)
