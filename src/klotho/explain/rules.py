"""What a rule says of itself: the first sentence of its docstring, and the page of AWS's documentation it follows.

A provenance names a rule by its function's name. Names repeat (`enter_network` of five kinds), so the rule is looked
for first where the provenance points to: in the pair of the relationship, in the implementation of the construct.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from klotho.application import Construct, Relationship
from klotho.catalogue.kinds import candidates
from klotho.catalogue.relationships import pairs_of
from klotho.resources import Provenance


class Told(NamedTuple):
    about: str
    source: str = ""


_WRITTEN_HERE = {
    "use": "What `use(…)` names is taken.",
    "override": "What `override(…)` says of a property is taken, whatever rules say.",
    "owners_implementation": "The application that owns it has decided.",
}
"""Reasons that no function stands for: the user's own words."""
_CONSTRUCT_RULES = ("expand", "enter_network", "spread", "needs")


def told_of(reason: Provenance, relationship: Relationship | None, construct: Construct | None) -> Told:
    """What the rule of a provenance says; of a guardrail's rule, its message."""
    if reason.rule in _WRITTEN_HERE:
        return Told(_WRITTEN_HERE[reason.rule])
    for function in _pointed_to(relationship, construct):
        if function.__name__ == reason.rule:
            return _told(function)
    found = _functions().get(reason.rule)
    return _told(found[0]) if found else Told(reason.because)


def is_known(rule: str) -> bool:
    """Whether the rule has a name that somebody can look up: a function, a word of the user's, a bundle's rule."""
    return rule in _WRITTEN_HERE or rule in _functions() or "/" in rule


def _pointed_to(relationship: Relationship | None, construct: Construct | None) -> Iterator[Callable[..., Any]]:
    if relationship is not None:
        actor, target = (end.partition("/")[0] for end in (relationship.actor, relationship.target))
        for pair in pairs_of(relationship.verb, actor, target):
            yield from (pair.connect, pair.grant)
    if construct is not None:
        for item in candidates(construct.kind):
            known = {each.name for each in fields(item)}
            yield from (getattr(item, name) for name in _CONSTRUCT_RULES if name in known and getattr(item, name))


@cache
def _functions() -> dict[str, list[Callable[..., Any]]]:
    """Every function of the catalogue and of the engine's passes by name, with the modules in order."""
    import klotho.catalogue
    import klotho.engine.passes

    found: dict[str, list[Callable[..., Any]]] = {}
    for root in (klotho.catalogue, klotho.engine.passes):
        for name in sorted(item.name for item in pkgutil.walk_packages(root.__path__, f"{root.__name__}.")):
            for function in _own_functions(import_module(name)):
                found.setdefault(function.__name__, []).append(function)
    return found


def _own_functions(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for item in vars(module).values():
        if inspect.isfunction(item) and item.__module__ == module.__name__:
            yield item


@cache
def _told(function: Callable[..., Any]) -> Told:
    own = inspect.cleandoc(function.__doc__ or "")
    module = sys.modules[function.__module__].__doc__ or ""
    return Told(first_sentence(own), _source(own) or _source(inspect.cleandoc(module)))


def first_sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    ended = re.match(r".+?\.(?=\s+[A-Z`]|$)", paragraph)
    return ended[0] if ended else paragraph


def _source(text: str) -> str:
    found = re.search(r"\bSources?:\s+(.+?)(?:\n\n|$)", text, re.DOTALL)
    return " ".join(found[1].split()).removesuffix(".") if found else ""
