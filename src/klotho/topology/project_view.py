"""The project view: applications as boxes around their constructs, and what goes between them.

Input: the applications of a project, each as it is published or as it is now. Output: a `Topology`. What one refers to
by `from_project=True` is the owner's node; what nobody has published is a node of whoever refers to it. A project too
large for one picture shows only what takes part in something between applications.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from klotho.application import Application, Construct, ConstructId
from klotho.catalogue.kinds import default_implementation, implementation
from klotho.topology.dataflow import edges_of, family_of
from klotho.topology.model import Edge, Group, Node, Topology

READABLE = 60
"""Nodes that can be read in one picture."""


def project_view(project: str, environment: str, applications: Sequence[Application]) -> Topology:
    """Everything, or where that is more than `READABLE` nodes, what crosses the borders."""
    ordered = sorted(applications, key=lambda item: item.name)
    owners = _owners(ordered)
    nodes = [node for application in ordered for node in _nodes(application, owners)]
    edges = list(_merged(edge for application in ordered for edge in _edges(application, owners)))
    title = f"project {project} in {environment}"
    if len(nodes) > READABLE:
        group_of = {node.id: node.group for node in nodes}
        edges = [edge for edge in edges if group_of[edge.source] != group_of[edge.target]]
        crossing = {end for edge in edges for end in (edge.source, edge.target)}
        nodes = [node for node in nodes if node.id in crossing]
        title += " (only what crosses borders)"
    used = {node.group for node in nodes}
    groups = (Group(_group(item.name), item.name, "repository") for item in ordered)
    return Topology(title, "project", tuple(nodes), tuple(edges), tuple(group for group in groups if group.id in used))


def _owners(applications: Iterable[Application]) -> dict[ConstructId, str]:
    """Who defines a construct; of two, the first by name: the join refuses that."""
    found: dict[ConstructId, str] = {}
    for application in applications:
        for construct in application.constructs:
            if not construct.from_project:
                found.setdefault(construct.id, application.name)
    return found


def _nodes(application: Application, owners: Mapping[ConstructId, str]) -> Iterator[Node]:
    for construct in application.constructs:
        if construct.from_project and construct.id in owners:
            continue  # it is in its owner's box
        about = "not published" if construct.from_project else _service(construct, application)
        yield Node(
            _id(application.name, construct.id), construct.label, about, family_of(construct), _group(application.name)
        )


def _service(construct: Construct, application: Application) -> str:
    """The official name of what runs it, as far as the model tells: what is chosen by itself is the first candidate."""
    pin = next((item for item in application.directives if item.subject == construct.id and item.action == "use"), None)
    try:
        chosen = implementation(construct.kind, pin.target) if pin else default_implementation(construct)
    except StopIteration:
        return construct.kind
    return chosen.service if chosen is not None else construct.kind


def _edges(application: Application, owners: Mapping[ConstructId, str]) -> Iterator[Edge]:
    def end(construct: str) -> str:
        found = application.by_id[ConstructId(construct)]
        return _id(owners.get(found.id, application.name) if found.from_project else application.name, found.id)

    for edge in edges_of(application):
        yield edge._replace(source=end(edge.source), target=end(edge.target))


def _merged(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Two applications may say the same of the same ends."""
    found: dict[object, Edge] = {}
    for edge in edges:
        known = found.get(edge.key)
        labels = dict.fromkeys((*known.labels, *edge.labels) if known else edge.labels)
        found[edge.key] = edge._replace(labels=tuple(labels))
    yield from found.values()


def _id(application: str, construct: str) -> str:
    return f"{application}/{construct}"


def _group(application: str) -> str:
    return f"repository/{application}"
