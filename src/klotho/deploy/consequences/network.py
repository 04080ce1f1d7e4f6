"""Which security groups let in, or out, more than before.

Input: two `Landscape`s. Output: `Consequence`s: `public` for what lets in everyone, else `network`. Refuses nothing.
A group without rules for what goes out lets everything out (CloudFormation, AWS::EC2::SecurityGroup,
"SecurityGroupEgress").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from klotho.deploy.consequences.consequence import Consequence
from klotho.deploy.consequences.landscape import Item, Landscape

_GROUP = "AWS::EC2::SecurityGroup"
_PEERS = (
    "CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourceSecurityGroupName",
    "SourcePrefixListId", "DestinationPrefixListId",
)  # fmt: skip
_ALL = "-1"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One direction, one group, one peer, a range of ports."""

    inwards: bool
    group: str
    """The text that names the group."""
    peer: str
    """A CIDR, or the text that names a group or prefix list."""
    protocol: str
    first: int
    last: int

    def covers(self, other: _Rule) -> bool:
        return (
            (self.inwards, self.group) == (other.inwards, other.group)
            and self.protocol in (_ALL, other.protocol)
            and (self.protocol == _ALL or self.first <= other.first <= other.last <= self.last)
            and (self.peer == other.peer or _within(other.peer, self.peer))
        )

    @property
    def to_everyone(self) -> bool:
        return self.peer in ("0.0.0.0/0", "::/0")

    @property
    def ports(self) -> str:
        if self.protocol == _ALL:
            return "every port"
        if (self.first, self.last) in ((0, 65535), (-1, -1)):
            return f"every {self.protocol} port"
        return (
            f"{self.protocol} port {self.first}"
            if self.first == self.last
            else f"{self.protocol} ports {self.first}-{self.last}"
        )


def widened_network(before: Landscape, after: Landscape) -> Iterator[Consequence]:
    was, will = _rules(before), _rules(after)
    for rule, item in will.items():
        if not any(old.covers(rule) for old in was):
            yield _said(rule, item, after, fresh=before.referred(rule.group) is None)


def _rules(side: Landscape) -> dict[_Rule, Item]:
    found: dict[_Rule, Item] = {}
    for item in side.of(_GROUP):
        group = f"${{{item.logical_id}}}"
        for inwards, key in ((True, "SecurityGroupIngress"), (False, "SecurityGroupEgress")):
            listed = item.properties.get(key, ())
            for properties in [listed] if isinstance(listed, Mapping) else listed:
                found.setdefault(_rule(inwards, group, properties), item)
        if not item.properties.get("SecurityGroupEgress"):
            for peer in ("0.0.0.0/0", "::/0"):
                found.setdefault(_Rule(False, group, peer, _ALL, -1, -1), item)
    for kind, inwards in (("Ingress", True), ("Egress", False)):
        for item in side.of(f"{_GROUP}{kind}"):
            found.setdefault(_rule(inwards, _plain(item.properties.get("GroupId"), side), item.properties, side), item)
    return found


def _rule(inwards: bool, group: str, properties: Mapping[str, Any], side: Landscape | None = None) -> _Rule:
    peer = next((str(properties[key]) for key in _PEERS if key in properties), "")
    return _Rule(
        inwards,
        group,
        _plain(peer, side) if side else peer,
        str(properties.get("IpProtocol", _ALL)),
        _port(properties.get("FromPort")),
        _port(properties.get("ToPort")),
    )


def _plain(text: Any, side: Landscape) -> str:
    """A group's id is a group's id, whichever attribute gives it."""
    item = side.referred(text)
    return f"${{{item.logical_id}}}" if item and item.type == _GROUP else str(text)


def _port(value: Any) -> int:
    return int(value) if str(value).lstrip("-").isdigit() else -1


def _within(inner: str, outer: str) -> bool:
    try:
        one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    except ValueError:
        return False
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


def _said(rule: _Rule, item: Item, after: Landscape, *, fresh: bool) -> Consequence:
    group = after.referred(rule.group)
    owner = group.name if group else rule.group
    peer = "everyone" if rule.to_everyone else _peer(rule.peer, after)
    if not rule.inwards:
        peer, owner = owner, "everything" if rule.to_everyone else peer
    public = rule.inwards and rule.to_everyone
    return Consequence(
        "public" if public else "network",
        f"{peer} can reach {owner} on {rule.ports}",
        item.stack,
        item.logical_id,
        item.construct,
        fresh=fresh and not public,
    )


def _peer(text: str, after: Landscape) -> str:
    item = after.referred(text)
    return item.name if item else text
