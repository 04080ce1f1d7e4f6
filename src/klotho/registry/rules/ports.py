"""Ports of a container that others call, which the application at hand takes away or moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klotho.application import Application, Construct, Relationship
from klotho.catalogue.kinds.container_ports import main_of, ports_by_name
from klotho.registry.conflict import Conflict, Place, conflict, consenting, listed
from klotho.registry.joined import Joined, Mention
from klotho.registry.rules.changes import used
from klotho.registry.rules.parameters import parameter

_CONTAINER = "Compute.Container"


def ports(joined: Joined) -> Iterator[Conflict]:
    """A protocol that a caller speaks and the container has no longer, or on another port: callers hold the number."""
    local, before = joined.local, joined.before
    for old, name, users in used(joined):
        assert local is not None and before is not None
        new = local.application.by_id.get(old.id)
        if old.kind != _CONTAINER or new is None or new.from_project:
            continue
        for protocol, calls in sorted(_calls(users).items()):
            was, now = _port(before.application, old, protocol), _port(local.application, new, protocol)
            if was is None or was == now:
                continue
            broken = sorted({mention.member.name for mention, _ in calls})
            how = f"moves from port {was} to {now}" if now is not None else f"goes (port {was})"
            yield conflict(
                "port-in-use",
                f"`{protocol}` of {new.title} {how}, which would break {listed(broken)} in project `{joined.project}`",
                [
                    Place(local, new.span),
                    *(Place(mention.member, call.span, f"which calls it by `{protocol}`") for mention, call in calls),
                ],
                helps=[f"keep port {was} for `{protocol}`", consenting(joined, broken)],
                held=[local.name, *broken],
                breaks=broken,
                construct=name,
            )


def _calls(users: Sequence[Mention]) -> dict[str, list[tuple[Mention, Relationship]]]:
    """Who calls it, by protocol."""
    found: dict[str, list[tuple[Mention, Relationship]]] = {}
    for mention in users:
        for item in mention.member.application.relationships_on(mention.construct.id):
            if item.verb == "calls":
                found.setdefault(str(item.properties.get("protocol", "http")), []).append((mention, item))
    return found


def _port(application: Application, construct: Construct, protocol: str) -> int | None:
    """The port it speaks a protocol on; None when it does not, or says what is no port."""
    try:
        named = ports_by_name(*(parameter(application, construct, name) for name in ("ports", "port")))
        return named.get("grpc") if protocol == "grpc" else main_of(named)
    except (AttributeError, TypeError, ValueError):
        return None  # a model that no program of ours made
