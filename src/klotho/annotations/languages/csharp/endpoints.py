"""Endpoints that code maps: `app.MapGet("/pets/{id}", …)`, in groups and in methods that are handed the application.

Input: what each file says (`said`, plain values that a later compile remembers). Output: patterns with their methods.
Where a receiver is no name of a group, its pattern stands for itself. Source:
learn.microsoft.com/aspnet/core/fundamentals/minimal-apis/route-handlers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from klotho.annotations.comments import nodes_of
from klotho.annotations.languages.csharp.syntax import arguments_of, call_of, name_of, string_of, strings_in, text_of
from klotho.annotations.languages.csharp.templates import below

VERBS: Mapping[str, tuple[str, ...]] = {
    "MapGet": ("GET",),
    "MapPost": ("POST",),
    "MapPut": ("PUT",),
    "MapDelete": ("DELETE",),
    "MapPatch": ("PATCH",),
    "Map": ("ANY",),
    "MapMethods": (),
    "MapHealthChecks": ("ANY",),
}
"""By method, the verbs of what it maps; none where they are its second argument."""
_GROUP = "MapGroup"
_BUILDERS = ("IEndpointRouteBuilder", "RouteGroupBuilder", "IApplicationBuilder", "WebApplication")
"""Types of what endpoints are mapped on."""
_METHODS = ("method_declaration", "local_function_statement")
_HANDS_ON = re.compile(r"Map|Endpoint|Rout|Api|Register")
"""Names of methods that may map endpoints on what they are handed."""
_MOST_HOPS = 8

Chain = tuple[str, list[str]]
"""A receiver: the name it begins with, and the prefixes of the groups that follow."""


class Endpoint(NamedTuple):
    method: str
    pattern: str
    path: str
    """Of the file."""
    start: int
    end: int


def said_of_endpoints(root: Any) -> dict[str, Any]:
    """What a file says of endpoints. `in` is a method by its place in `methods`, -1 at the top of the file."""
    declared = [node for node in nodes_of(root, _METHODS) if _builder(node) is not None]
    methods = [[text_of(node.child_by_field_name("name")), _builder(node)] for node in declared]
    places = {node.id: at for at, node in enumerate(declared)}
    said: dict[str, Any] = {"methods": methods, "maps": [], "groups": [], "hands": []}
    for call in nodes_of(root, ("invocation_expression",)):
        receiver, name = call_of(call)
        given = arguments_of(call)
        first = string_of(given[0]) if given else None
        # `Map` alone may be a mapper's: an endpoint has a path and what answers there.
        if name == "Map" and (len(given) < 2 or not (first or "").startswith("/")):
            first = None
        if name in VERBS and receiver is not None and first is not None:
            verbs = list(VERBS[name]) or (strings_in(given[1]) if len(given) > 1 else []) or ["ANY"]
            at = [given[0].start_byte, given[0].end_byte]
            said["maps"].append({"on": _chain(receiver), "verbs": verbs, "pattern": first, "at": at})
            said["maps"][-1]["in"] = _within(call, places)
        elif name not in VERBS and _HANDS_ON.search(name):
            on = _handed(receiver, given)
            if on[0]:
                said["hands"].append({"to": name, "on": on, "in": _within(call, places)})
    for variable in nodes_of(root, ("variable_declarator",)):
        chain = _chain(next(reversed(variable.named_children), None))
        if chain[1]:
            name = text_of(variable.child_by_field_name("name"))
            said["groups"].append({"name": name, "on": chain, "in": _within(variable, places)})
    return said


def _builder(method: Any) -> str | None:
    """The parameter of a method that endpoints can be mapped on."""
    parameters = method.child_by_field_name("parameters")
    for item in parameters.named_children if parameters is not None else ():
        if item.type == "parameter" and name_of(item.child_by_field_name("type")) in _BUILDERS:
            return text_of(item.child_by_field_name("name"))
    return None


def _within(node: Any, places: Mapping[int, int]) -> int:
    while node is not None:
        if node.id in places:
            return places[node.id]
        node = node.parent
    return -1


def _chain(node: Any) -> Chain:
    """`app.MapGroup("/api").WithTags("x")` begins with `app`, and is below `/api`."""
    prefixes: list[str] = []
    while node is not None and node.type == "invocation_expression":
        node, name = call_of(node)[0], _grouped(node)
        prefixes += [name] if name is not None else []
    return (text_of(node) if node is not None and node.type == "identifier" else "", prefixes[::-1])


def _handed(receiver: Any, given: Sequence[Any]) -> Chain:
    """What a method is handed: the receiver of `app.MapPets()`, the first argument of `PetEndpoints.Map(app)`."""
    on = _chain(receiver)
    return on if on[0] and not on[0][:1].isupper() else _chain(next(iter(given), None))


def _grouped(invocation: Any) -> str | None:
    given = arguments_of(invocation)
    return string_of(given[0]) if given and call_of(invocation)[1] == _GROUP else None


class Endpoints:
    """Those of the files of one program."""

    def __init__(self, files: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """`files`: paths with what `said_of_endpoints` gave."""
        self._files = files
        self._callers: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
        self._groups: dict[tuple[int, str, int], Chain] = {}
        for _, said in files:
            for hand in said["hands"]:
                self._callers.setdefault(hand["to"], []).append((said, hand))
            for group in said["groups"]:
                self._groups.setdefault((id(said), group["name"], group["in"]), group["on"])

    def found(self) -> Iterator[Endpoint]:
        for path, said in self._files:
            for item in said["maps"]:
                for prefix in dict.fromkeys(self._prefixes(said, item["on"], item["in"], _MOST_HOPS)):
                    for verb in item["verbs"]:
                        pattern = below(prefix, item["pattern"])
                        yield Endpoint(verb.upper(), pattern, path, item["at"][0], item["at"][1])

    def _prefixes(self, said: Mapping[str, Any], chain: Sequence[Any], within: int, hops: int) -> Iterable[str]:
        """What stands before the patterns of a receiver; several where a method is handed several groups."""
        base, own = chain
        outer: list[str] = [""]
        group = self._groups.get((id(said), base, within))
        if hops == 0:
            return []
        if group is not None:
            outer = list(self._prefixes(said, group, within, hops - 1))
        elif within >= 0 and said["methods"][within][1] == base:
            callers = self._callers.get(said["methods"][within][0], [])
            outer = [
                prefix for other, hand in callers for prefix in self._prefixes(other, hand["on"], hand["in"], hops - 1)
            ] or outer
        for prefix in own:
            outer = [below(item, prefix) for item in outer]
        return outer
