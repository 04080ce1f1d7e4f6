"""Routes of an API that several repositories attach to: two that want the same requests, and one that others call and
that goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from klotho.application import references as tokens
from klotho.application.access import ATTACH
from klotho.application.routes import ANY, METHODS, Segments, contested, covers, methods_of, parse_route
from klotho.registry.conflict import Conflict, Place, conflict, consenting, listed
from klotho.registry.joined import Joined, Mention, Node
from klotho.registry.rules.shared_apis import Said, SharedApi, shared_apis, told_before


def clashes(joined: Joined) -> Iterator[Conflict]:
    """Two repositories that would serve the same requests."""
    for api in shared_apis(joined):
        tree = _Tree()
        for item in api.attachments:
            tree.add(_segments(item), item)
        order = {id(item): index for index, item in enumerate(api.attachments)}
        for item in api.attachments:
            for other in tree.meeting(_segments(item)):
                if other.member is item.member:
                    continue
                alike = len(_segments(other)) == len(_segments(item))
                if alike and order[id(other)] > order[id(item)]:
                    continue  # found from the other side
                request = contested(other.relationship.properties, item.relationship.properties)
                if request is not None:
                    yield _clash(api, other, item, request)


def _clash(api: SharedApi, one: Said, other: Said, request: str) -> Conflict:
    moving = one if one.member.here else other
    below = "" if moving.route == "/" else moving.route
    own = f"/{moving.member.name.lower().replace('_', '-')}{below}"
    return conflict(
        "route-conflict",
        f"`{one.member.name}` and `{other.member.name}` would both serve `{request}` of {api.title}",
        [Place(item.member, item.relationship.span, f"which attaches {_shown(item)}") for item in (one, other)],
        helps=[
            f"give one of them a route of its own, for example `{own}`; a longer one below the other's is fine",
            "or tell them apart by `methods=`",
        ],
    )


def gone(joined: Joined) -> Iterator[Conflict]:
    """A route of the application at hand that is served by nobody now, of an API that others call."""
    local, before = joined.local, joined.before
    if local is None or before is None:
        return
    served: dict[Node, SharedApi] = {api.node: api for api in shared_apis(joined)}
    for name, mentions in joined.references.items():
        owner = joined.owner(name)
        callers = [item for item in mentions if item.member is not local and _calls(item)]
        if owner is None or not callers:
            continue
        api = served.get(owner.node) or SharedApi(owner.node, owner.construct, tuple(_own(owner)))
        for old in told_before(joined, api):
            if old.member is not before or old.relationship.verb != ATTACH:
                continue
            lost = _unserved(old, api.attachments)
            if lost:
                yield _lost(api, old, lost, callers, joined)


def _lost(api: SharedApi, old: Said, lost: Sequence[str], callers: Sequence[Mention], joined: Joined) -> Conflict:
    assert joined.local is not None
    broken = sorted({item.member.name for item in callers})
    request = old.route if lost == [ANY] else f"{', '.join(lost)} {old.route}"
    return conflict(
        "route-in-use",
        f"`{request}` of {api.title} goes, which would break {listed(broken)} in project `{joined.project}`",
        [
            Place(old.member, old.relationship.span, "as it was published"),
            *(Place.of(item, "which calls the API") for item in callers),
        ],
        notes=["which routes they call is not known: an API is called as a whole"],
        helps=["keep the route, or attach another service to it", consenting(joined, broken)],
        held=[joined.local.name, *broken],
        breaks=broken,
        construct=callers[0].construct.id,
    )


def _unserved(old: Said, now: Sequence[Said]) -> list[str]:
    """The methods of an attachment that nobody serves at its route any more."""
    place = _segments(old)
    served: set[str] = set()
    for item in now:
        if covers(_segments(item), place):
            served |= methods_of(item.relationship.properties)
    if ANY in served:
        return []
    wanted = methods_of(old.relationship.properties)
    if ANY in wanted:
        missing = set(METHODS) - served
        return [] if not missing else [ANY] if missing == set(METHODS) else sorted(missing)
    return sorted(wanted - served)


def _calls(mention: Mention) -> bool:
    """Whether it is called, exposed, or its address used: everything but attaching to it."""
    application = mention.member.application
    if any(item.verb in ("calls", "exposes") for item in application.relationships_on(mention.construct.id)):
        return True
    return any(
        token.construct == mention.construct.id for item in application.constructs for token in tokens(item.properties)
    )


def _own(owner: Mention) -> Iterator[Said]:
    for item in owner.member.application.relationships_of(owner.construct.id):
        if item.verb == ATTACH and not parse_route(str(item.properties.get("route", "/"))).problem:
            yield Said(owner.member, item)


def _segments(item: Said) -> Segments:
    return parse_route(str(item.relationship.properties.get("route", "/"))).segments


def _shown(item: Said) -> str:
    methods = sorted(methods_of(item.relationship.properties))
    return f"`{item.route}`" if methods == [ANY] else f"`{', '.join(methods)} {item.route}`"


@dataclass(slots=True)
class _Tree:
    """Attachments by their segments, to find those that meet a route without comparing all with all."""

    children: dict[str, _Tree] = field(default_factory=dict)
    ends: list[Said] = field(default_factory=list)

    def add(self, segments: Segments, item: Said) -> None:
        node = self
        for segment in segments:
            node = node.children.setdefault(_key(segment), _Tree())
        node.ends.append(item)

    def meeting(self, segments: Segments) -> list[Said]:
        """Those of the same length or shorter whose requests a route's may be."""
        nodes, found = [self], list(self.ends)
        for segment in segments:
            nodes = [child for node in nodes for child in _next(node.children, _key(segment))]
            found += [item for node in nodes for item in node.ends]
        return found


def _next(children: Mapping[str, _Tree], key: str) -> Iterator[_Tree]:
    if key == "{}":
        yield from children.values()
        return
    for name in (key, "{}"):
        if name in children:
            yield children[name]


def _key(segment: str) -> str:
    return "{}" if segment.startswith("{") else segment
