"""Folds changes into resources.

Input: changes in any order; output: the same graph for any order. For each property the highest precedence wins; two
different values of one precedence are reported, naming both rules, and neither order nor chance decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from klotho.diagnostics import Diagnostic, Label, Report
from klotho.resources.changes import (
    AddItem,
    AddResource,
    Adopt,
    Change,
    Choose,
    DependsOn,
    Path,
    Precedence,
    Provenance,
    SetProperty,
)
from klotho.resources.graph import Choice, ResourceGraph
from klotho.resources.resource import Decision, Resource, owner_of
from klotho.resources.values import Join, Ref, ResourceKey, is_deferred, references_in, replaced

_Claim = tuple[Any, Provenance]


class _Draft:
    """A resource while changes arrive: claims by path, turned into nested properties at the end."""

    __slots__ = ("claims", "depends_on", "items", "key", "origins", "types")

    def __init__(self, key: ResourceKey) -> None:
        self.key = key
        self.types: dict[str, Provenance] = {}
        self.origins: list[Provenance] = []
        self.claims: dict[Path, list[_Claim]] = {}
        self.items: set[Path] = set()
        self.depends_on: dict[ResourceKey, Provenance] = {}

    def claim(self, path: Path, value: Any, provenance: Provenance) -> None:
        if type(value) is dict and value:
            for name, item in value.items():
                self.claim((*path, name), item, provenance)
        else:
            self.claims.setdefault(path, []).append((value, provenance))


class Folding:
    """Changes folded so far; only the resources that new changes touch are worked out again."""

    def __init__(self) -> None:
        self._drafts: dict[ResourceKey, _Draft] = {}
        self._resources: dict[ResourceKey, Resource] = {}
        """In key order."""
        self._choices: dict[str, Choice] = {}
        self._stale: set[ResourceKey] = set()
        self._adopted: dict[ResourceKey, Adopt] = {}
        self._foreign: dict[str, str] = {}
        """Constructs of other applications, and whose they are."""

    def add(self, changes: Iterable[Change]) -> int:
        """Take in changes, in any order; returns how many."""
        count = 0
        for change in changes:
            count += 1
            if isinstance(change.action, Choose):
                self._choices[owner_of(change.action.key)] = _choice(change.action, change.provenance)
                continue
            if isinstance(change.action, Adopt):
                self._adopted[change.action.key] = change.action
                if change.action.owner is not None:
                    self._foreign[owner_of(change.action.key)] = change.action.owner
                continue
            _apply(change, self._drafts)
            self._stale.add(change.action.key)
        return count

    def graph(self, report: Report) -> ResourceGraph:
        """The graph as of now."""
        known = len(self._resources)
        for key in self._stale:
            if key in self._adopted or (owner_of(key) in self._foreign and not self._drafts[key].types):
                _never_changed(self._drafts[key], self._foreign.get(owner_of(key)), report)
                continue
            resource = _resource(self._drafts[key], report)
            if resource is not None:
                self._resources[key] = self._with_adopted(resource, report) if self._adopted else resource
        self._stale.clear()
        if len(self._resources) > known:
            self._resources = {key: self._resources[key] for key in sorted(self._resources)}
        return ResourceGraph(self._resources.copy(), dict(sorted(self._choices.items())))

    def _with_adopted(self, resource: Resource, report: Report) -> Resource:
        """The resource with plain values where it names something that is there already."""

        def instead(item: Ref) -> Any:
            if not self._is_there(item.resource):
                return item
            adopted = self._adopted.get(item.resource)
            told = None
            if adopted is not None:
                told = adopted.identifier if item.attribute is None else adopted.attributes.get(item.attribute)
            if told is None:
                _not_told(resource, item, self._foreign.get(owner_of(item.resource)), report)
            return item if told is None else told

        waits = tuple(key for key in resource.depends_on if not self._is_there(key))
        if waits == resource.depends_on and not any(
            isinstance(item, Ref) and self._is_there(item.resource) for item in references_in(resource.properties)
        ):
            return resource
        return replace(resource, properties=replaced(resource.properties, instead), depends_on=waits)

    def _is_there(self, key: ResourceKey) -> bool:
        """Whether it is made by somebody else. What stands beside another application's construct is ours."""
        if key in self._adopted:
            return True
        ours = self._drafts.get(key)
        return owner_of(key) in self._foreign and not (ours and ours.types)


def _choice(action: Choose, provenance: Provenance) -> Choice:
    return Choice(action.implementation, provenance, action.rejected, action.monthly)


def fold(changes: Iterable[Change], report: Report) -> ResourceGraph:
    """The graph that the changes describe."""
    folding = Folding()
    folding.add(changes)
    return folding.graph(report)


def _apply(change: Change, drafts: dict[ResourceKey, _Draft]) -> None:
    action, provenance = change
    draft = drafts.get(action.key)
    if draft is None:
        draft = drafts[action.key] = _Draft(action.key)
    if isinstance(action, AddResource):
        draft.types.setdefault(action.type, provenance)
        draft.origins.append(provenance)
        for name, value in action.properties.items():
            draft.claim((name,), value, provenance)
    elif isinstance(action, SetProperty):
        draft.claim(action.path, action.value, provenance)
    elif isinstance(action, AddItem):
        draft.items.add(action.path)
        draft.claim((*action.path, action.name), action.value, provenance)
    elif isinstance(action, DependsOn):
        known = draft.depends_on.get(action.on)
        draft.depends_on[action.on] = provenance if known is None else min(known, provenance, key=_order)


def _resource(draft: _Draft, report: Report) -> Resource | None:
    if not draft.types:
        first = min((claims[0][1] for claims in draft.claims.values()), default=None)
        _bug(report, f"a rule changes `{draft.key}`, which no rule adds", first)
        return None
    if len(draft.types) > 1:
        _bug(report, f"rules add `{draft.key}` as {' and as '.join(sorted(draft.types))}", draft.origins[0])
    decisions: dict[Path, Decision] = {}
    properties: dict[str, Any] = {}
    undisputed: dict[int, Decision] = {}  # by provenance, of which a resource has few and its properties many
    for path in sorted(draft.claims):
        claims = draft.claims[path]
        value, provenance = claims[0]
        if len(claims) > 1:
            value, decisions[path] = _decide(draft, path, report)
        elif (decision := undisputed.get(id(provenance))) is not None:
            decisions[path] = decision
        else:
            decisions[path] = undisputed[id(provenance)] = Decision(provenance)
        if len(path) == 1 and type(value) is not dict:
            properties[path[0]] = value
        else:
            _place(properties, path, value)
    return Resource(
        key=draft.key,
        type=min(draft.types),
        properties=_with_lists(properties, draft.items),
        depends_on=tuple(sorted(draft.depends_on)),
        origins=_in_order(draft.origins),
        decisions=decisions,
        waits=draft.depends_on.copy(),
    )


def _decide(draft: _Draft, path: Path, report: Report) -> tuple[Any, Decision]:
    """Of several claims."""
    claims = draft.claims[path]
    ordered = sorted(claims, key=lambda claim: (-claim[1].precedence, _order(claim[1]), repr(claim[0])))
    value, winner = ordered[0]
    losers, agreeing = [], []
    for other, provenance in ordered[1:]:
        if other == value and type(other) is type(value):
            agreeing.append(provenance)
            continue
        if provenance.precedence == winner.precedence:
            _disagreement(report, draft.key, path, (value, winner), (other, provenance))
        losers.append((provenance, other))
    agreed = tuple(item for item in dict.fromkeys(agreeing) if item != winner)
    return value, Decision(winner, tuple(losers), agreed)


def _in_order(origins: list[Provenance]) -> tuple[Provenance, ...]:
    return tuple(origins) if len(origins) == 1 else tuple(sorted(set(origins), key=_order))


def _order(provenance: Provenance) -> tuple[str, str, tuple[Any, ...]]:
    spans = tuple((span.file, span.line, span.column) for span in provenance.spans)
    return provenance.rule, provenance.because, spans


def _place(properties: dict[str, Any], path: Path, value: Any) -> None:
    node = properties
    for name in path[:-1]:
        child = node.get(name)
        if type(child) is not dict:
            # A whole value (say a list) stood here and a more specific path refines it.
            child = node[name] = {}
        node = child
    if type(value) is dict:
        # Only empty maps arrive here (others were taken apart), and a rule's own value must never be filled.
        node.setdefault(path[-1], {})
    else:
        node[path[-1]] = value


def _with_lists(properties: dict[str, Any], items: set[Path]) -> Mapping[str, Any]:
    """Turn the maps that stand for lists of named items into lists, innermost first."""
    for path in sorted(items, key=lambda item: (-len(item), item)):
        node: Any = properties
        for name in path[:-1]:
            node = node.get(name) if isinstance(node, dict) else None
        if isinstance(node, dict) and isinstance(node.get(path[-1]), dict):
            node[path[-1]] = [node[path[-1]][name] for name in sorted(node[path[-1]])]
    return properties


def _never_changed(draft: _Draft, owner: str | None, report: Report) -> None:
    """Something that is `existing=` would have to be changed for what the program says.

    What another application makes (`owner`) is no rule's to change: each has a way around it.
    """
    sources = [*draft.origins, *(claims[0][1] for _, claims in sorted(draft.claims.items()))]
    if not sources:
        return  # only waited for
    source = min(sources, key=_order)
    wanted = ", ".join(sorted({f"`{path[0]}`" for path in draft.claims}))
    if owner is not None:
        _bug(report, f"a rule sets {wanted} of `{draft.key}`, which `{owner}` makes", source)
        return
    report.add(
        Diagnostic(
            "existing-changed",
            f"{owner_of(draft.key)} is there already (`existing=`) and never changed, but this would set its {wanted}",
            tuple(Label(span) for span in source.spans[:1]),
            (_source(source),),
            ("leave out this line, or leave out `existing=` and let Klotho make it",),
        )
    )


def _not_told(resource: Resource, item: Ref, owner: str | None, report: Report) -> None:
    source, attribute = resource.origins[0], item.attribute or "id"
    if owner is not None:
        report.add(
            Diagnostic(
                "not-shared",
                f"`{owner}` does not tell the {attribute} of its {owner_of(item.resource)}, which is needed here",
                tuple(Label(span) for span in source.spans[:1]),
                (_source(source), "it was deployed by an older Klotho, or before it was in the project"),
                (f"run `klotho up` where `{owner}` is, then here",),
            )
        )
        return
    report.add(
        Diagnostic(
            "existing-changed",
            f"the {attribute} of {owner_of(item.resource)} is needed, which its id alone (`existing=`) does not tell",
            tuple(Label(span) for span in source.spans[:1]),
            (_source(source),),
            ("leave out this line, or leave out `existing=` and let Klotho make it",),
        )
    )


def _disagreement(report: Report, key: ResourceKey, path: Path, one: _Claim, other: _Claim) -> None:
    (value, first), (wanted, second) = one, other
    labels = tuple(Label(span, _said(claim)) for claim in (one, other) for span in claim[1].spans[:1])
    # Only what stands at the top of a resource's properties can be given to `override`, and it decides a
    # disagreement of rules; one between two overrides is decided by removing one.
    if first.precedence >= Precedence.DIRECTIVE:
        helps: tuple[str, ...] = ("keep one of the two",)
    else:
        helps = (f"decide it with `.override(…, {{{path[0]!r}: …}})`",) if len(path) == 1 else ()
    report.add(
        Diagnostic(
            "rules-disagree",
            f"`{'.'.join(path)}` of `{key}` is to be {_spoken(value)} and {_spoken(wanted)}",
            labels,
            notes=tuple(_source(source) for source in (first, second)),
            helps=helps,
        )
    )


def _said(claim: _Claim) -> str:
    return f"set to {_spoken(claim[0])} here"


def _source(source: Provenance) -> str:
    where = f" at line {source.spans[0].line} of {source.spans[0].file}" if source.spans else ""
    return f"set by rule `{source.rule}`{f', because of {source.because}' if source.because else ''}{where}"


def _spoken(value: Any) -> str:
    """A value for people: plain ones as JSON, those known at deploy by where they come from."""
    if isinstance(value, Ref):
        return f"the {value.attribute or 'identifier'} of `{value.resource}`"
    if isinstance(value, Join):
        return "text that is put together at deploy"
    if is_deferred(value):
        return "a value known at deploy"
    if _holds_deferred(value):
        return f"a {'list' if isinstance(value, list | tuple) else 'mapping'} with values known at deploy"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}…`"


def _holds_deferred(value: Any) -> bool:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return is_deferred(value) or any(_holds_deferred(item) for item in items)


def _bug(report: Report, message: str, source: Provenance | None) -> None:
    labels = tuple(Label(span) for span in source.spans[:1]) if source else ()
    rule = (f"rule `{source.rule}`",) if source else ()
    report.add(Diagnostic("rule-bug", message, labels, (*rule, "this is a bug in klotho, not in your program")))
