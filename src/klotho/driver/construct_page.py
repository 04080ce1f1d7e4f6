"""What `klotho explain TYPE` tells of a construct: parameters, outputs, verbs, and what it becomes.

Input: a kind as the user writes it (`Databases.Postgres`, `postgres`). Output: a `ConstructPage`, put together from the
SDK's signature, the catalogue's parameters and the table of pairs; nothing is written twice. Refuses, by None, what is
no kind.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from klotho.catalogue.adoption import facts_of
from klotho.catalogue.kinds import candidates
from klotho.catalogue.relationships import PAIRS
from klotho.catalogue.rules import Parameter
from klotho.catalogue.transit import hop_between

_COMMON = {
    "name": "how other constructs, commands and the code call it",
    "stack": "the deployment stack to put it into (default: Klotho's segmentation)",
    "from_project": "another repository of the project defines it: only the name is given",
    "existing": "what is there already, to use as it is, never to change: an ARN or id, or one by environment",
    "was": "the name it was deployed under, after a rename: it keeps its data",
}


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """One parameter; `default` is None where there is none or `about` tells it."""

    name: str
    type: str
    required: bool
    default: str | None
    unit: str
    about: str


@dataclass(frozen=True, slots=True)
class VerbLine:
    """One relationship, from the side of the construct explained."""

    sentence: str
    creates: str
    transit: str
    """How what goes over it is encrypted."""


@dataclass(frozen=True, slots=True)
class ConstructPage:
    """Everything about one kind."""

    kind: str
    about: str
    implementations: tuple[str, ...]
    parameters: tuple[ParameterLine, ...]
    existing: tuple[tuple[str, str], ...]
    """What `Existing(…)` may say of one that is there already, and what that is."""
    outputs: tuple[tuple[str, str], ...]
    verbs: tuple[VerbLine, ...]


def kinds() -> list[str]:
    """Every kind there is, sorted."""
    return sorted(_classes())


def construct_page(text: str) -> ConstructPage | None:
    """The page of a kind, written whole or by its last part, in any case."""
    classes = _classes()
    wanted = text.casefold()
    found = [kind for kind in classes if wanted in (kind.casefold(), kind.rpartition(".")[2].casefold())]
    if len(found) != 1:
        return None
    kind = found[0]
    offered = candidates(kind)
    return ConstructPage(
        kind=kind,
        about=inspect.cleandoc(classes[kind].__doc__ or "").partition("\n\n")[0].replace("\n", " "),
        implementations=tuple(item.name for item in offered),
        parameters=tuple(_parameters(classes[kind], offered[0].parameters, any(item.adoption for item in offered))),
        existing=tuple(_facts(kind)),
        outputs=tuple(
            (
                name,
                f"{spec.about} (secret: fetched by the code, never in `environment=`)" if spec.secret else spec.about,
            )
            for name, spec in offered[0].outputs.items()
        ),
        verbs=tuple(_verbs(kind)),
    )


def _classes() -> dict[str, type[Any]]:
    import klotho
    from klotho.sdk.construct import KINDS
    from klotho.sdk.names import NOW

    for name in NOW:  # a kind registers itself when its class is loaded
        getattr(klotho, name)
    return {kind: cls for kind, cls in KINDS.items() if candidates(kind)}


def _parameters(cls: type[Any], known: Any, adoptable: bool) -> Iterator[ParameterLine]:
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        if parameter.name == "existing" and not adoptable:
            continue
        required = parameter.default is inspect.Parameter.empty
        told: Parameter = known.get(parameter.name) or Parameter(_COMMON[parameter.name])
        yield ParameterLine(
            parameter.name,
            _spoken_type(str(parameter.annotation)),
            required,
            None if told.default is None else json.dumps(told.default, ensure_ascii=False),
            told.unit,
            told.about,
        )


def _facts(kind: str) -> Iterator[tuple[str, str]]:
    told: dict[str, str] = {}
    for item in candidates(kind):
        for name, fact in facts_of(item.adoption).items() if item.adoption else ():
            default = "required" if fact.required else "looked up" if fact.path and fact.default is None else ""
            if fact.default is not None:
                default = f"default {json.dumps(fact.default)}"
            told.setdefault(name, f"{fact.about} ({default})" if default else fact.about)
    yield from told.items()


def _spoken_type(annotation: str) -> str:
    """`str | int` for `str | int | None`: that it may be left out is said by `required`."""
    plain = annotation.replace("Adopted", "str | Existing | Mapping").removesuffix(" | None")
    return re.sub(r"\bos\.PathLike\[str\]", "PathLike", plain)


def _verbs(kind: str) -> Iterator[VerbLine]:
    for pair in PAIRS:
        for verb in pair.verbs:
            if kind in pair.actors:
                hop = hop_between(verb, kind, pair.targets[0])
                yield VerbLine(f"{kind} {verb} {' | '.join(pair.targets)}", pair.creates, hop.about)
            elif kind in pair.targets:
                hop = hop_between(verb, pair.actors[0], kind)
                yield VerbLine(f"{' | '.join(pair.actors)} {verb} {kind}", pair.creates, hop.about)
