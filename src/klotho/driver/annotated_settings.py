"""What klotho.yaml says of annotations, in the older compiler's keys: by id in `execution_units`, `exposed`,
`persisted`, `pubsub`, `static_unit` and `config`, and for all of a kind in `defaults`.

Input: the parsed file. Output: `AnnotatedSettings`. Reports unknown keys with the nearest one, and refuses by name
types that are not compiled yet and keys that have no meaning here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import DEFAULT, DEFAULT_DOOR, HOSTS, Hosting, Said
from klotho.diagnostics import Report, Span, did_you_mean, one_of
from klotho.driver.annotated_types import (
    API_TYPES,
    API_TYPES_LATER,
    DEFAULTS,
    INSTEAD,
    KINDS,
    SECTIONS,
    Section,
    instead_of,
)
from klotho.driver.construct_settings import DIRECTIVES, ConstructSettings, read_directives

LineOf = Callable[[Mapping[Any, Any], Any], Span]


@dataclass(frozen=True, slots=True)
class AnnotatedSettings:
    ids: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    """Where each id is named, by section."""
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Environment variables by unit."""
    types: Mapping[str, Mapping[str, Said]] = field(default_factory=dict)
    """Of ids, by section; those of units and APIs are in `hosting`."""
    defaults: Mapping[str, Said] = field(default_factory=dict)
    """By section, and by kind of `persist`."""
    directives: Mapping[str, Mapping[str, ConstructSettings]] = field(default_factory=dict)
    """What else is said of ids, by section."""
    hosting: Hosting = field(default_factory=Hosting)
    """Where units run, and what APIs are made as."""


def read_annotated(data: Mapping[Any, Any], report: Report, line_of: LineOf) -> AnnotatedSettings:
    reader = _Reader(report, line_of)
    ids: dict[str, dict[str, Span]] = {}
    for section in SECTIONS:
        for name in reader.mapping(data, section, ""):
            ids.setdefault(section, {})[str(name)] = line_of(data[section], name)
            reader.entry(section, str(name), reader.mapping(data[section], name, f"{section}."))
    reader.defaults(reader.mapping(data, "defaults", ""))
    types, defaults = dict(reader.types), dict(reader.of_all)

    def of_hosting(section: str) -> dict[str, Said]:
        return {construct_name(name): said for name, said in types.pop(section, {}).items()}

    hosting = Hosting(
        of_hosting("execution_units"),
        defaults.pop("execution_units", Said(DEFAULT)),
        of_hosting("exposed"),
        defaults.pop("exposed", Said(DEFAULT_DOOR)),
    )
    return AnnotatedSettings(ids, reader.variables, types, defaults, reader.directives, hosting)


class _Reader:
    def __init__(self, report: Report, line_of: LineOf) -> None:
        self._report, self._line_of = report, line_of
        self.variables: dict[str, dict[str, str]] = {}
        self.types: dict[str, dict[str, Said]] = {}
        self.of_all: dict[str, Said] = {}
        self.directives: dict[str, dict[str, ConstructSettings]] = {}

    def mapping(self, data: Mapping[Any, Any], key: Any, where: str) -> Mapping[Any, Any]:
        value = data.get(key)
        if isinstance(value, Mapping):
            return value
        if value is not None:
            message = f"`{where}{key}` must hold names with settings"
            self._report.error("settings-shape", message, self._line_of(data, key))
        return {}

    def entry(self, section: str, name: str, data: Mapping[Any, Any]) -> None:
        """What is said of one id."""
        where = f"{section}.{name}."
        type_ = self._checked(section, data, where, SECTIONS[section].words, DIRECTIVES)
        if type_ is not None:
            self.types.setdefault(section, {})[name] = type_
        if any(key in data for key in DIRECTIVES):
            at = next(self._line_of(data, key) for key in DIRECTIVES if key in data)
            found = read_directives(name, at, data, where, self._report, self._line_of)
            self.directives.setdefault(section, {})[name] = found
        variables = self.mapping(data, "environment_variables", where)
        for variable, value in variables.items():
            if isinstance(value, Mapping | list) or value is None:
                message = f"`{where}environment_variables.{variable}` must be a text"
                self._report.error("settings-value", message, self._line_of(variables, variable))
        if variables:
            self.variables[name] = {str(variable): str(value) for variable, value in variables.items()}

    def defaults(self, data: Mapping[Any, Any]) -> None:
        for key in data:
            if key in DEFAULTS:
                section, where = DEFAULTS[key], f"defaults.{key}."
                given = self.mapping(data, key, "defaults.")
                self._default(section, self._checked(section, given, where, SECTIONS[section].words))
            elif key == "persist":
                self._kinds(self.mapping(data, key, "defaults."))
            else:
                self._unknown(data, key, "defaults.", (*DEFAULTS, "persist"))

    def _kinds(self, data: Mapping[Any, Any]) -> None:
        for kind in data:
            if kind not in KINDS:
                self._unknown(data, kind, "defaults.persist.", tuple(KINDS))
                continue
            words = tuple(word for word, made in SECTIONS["persisted"].types.items() if made.kind == KINDS[kind])
            given, where = self.mapping(data, kind, "defaults.persist."), f"defaults.persist.{kind}."
            self._default(kind, self._checked("persisted", given, where, words))

    def _default(self, of: str, said: Said | None) -> None:
        if said is not None:
            self.of_all[of] = said

    def _checked(
        self, section: str, data: Mapping[Any, Any], where: str, words: tuple[str, ...], also: tuple[str, ...] = ()
    ) -> Said | None:
        """Checks the keys of an entry; its type. `also`: further keys that it may have."""
        known = SECTIONS[section]
        for key in data:
            if key not in (*known.keys, *also):
                self._unknown(data, key, where, (*known.keys, *also), known)
        if "api_type" in data and "api_type" in known.keys:
            self._word(data, "api_type", where, API_TYPES, API_TYPES_LATER)
        if "type" in data and self._word(data, "type", where, words, known.types_later, tuple(known.types)):
            return Said(str(data["type"]), self._line_of(data, "type"))
        return None

    def _word(
        self, data: Mapping[Any, Any], key: str, where: str, now: tuple[str, ...], later: Mapping[str, str],
        of_others: tuple[str, ...] = (),
    ) -> bool:  # fmt: skip
        """`of_others`: words that other kinds of the section have."""
        value, at = data[key], self._line_of(data, key)
        if not isinstance(value, str):
            self._report.error(
                "settings-value", f"`{where}{key}` must be a text", at, helps=(f"there is {one_of(now)}",)
            )
            return False
        if value in now:
            return True
        helps = (INSTEAD.get(value, f"there is {one_of(now)}"),)
        if value in INSTEAD:
            self._report.error("settings-not-yet", f"`{where}{key}: {value}` is not supported", at, helps=helps)
        elif value in later:
            message = f"`{where}{key}: {value}` is not supported yet"
            self._report.error("settings-not-yet", message, at, helps=(f"use {later[value]}",))
        elif value in of_others:
            message = f"`{where}{key}` is `{value}`, which is of another kind"
            self._report.error("settings-value", message, at, helps=helps)
        else:
            helps = (did_you_mean(value, (*now, *later)) or f"there is {one_of(now)}",)
            self._report.error("settings-value", f"`{where}{key}` is `{value}`, which is none", at, helps=helps)
        return False

    def _unknown(
        self, data: Mapping[Any, Any], key: Any, where: str, known: tuple[str, ...], section: Section | None = None
    ) -> None:
        at = self._line_of(data, key)
        usual = next(iter(section.types.values())).implementation if section and section.types else "lambda"
        said = str(data.get("type", ""))
        of_type = section.types.get({"memorydb": "elasticache"}.get(said, said)) if section else None
        hosted = HOSTS[said].pin if said in HOSTS else None
        instead = instead_of(key, data, of_type.implementation if of_type else hosted or usual)
        if section is not None and key in section.keys_later:
            helps = ("leave it out: the API has an address of its own, beside that of a static unit's CDN",)
            self._report.error("settings-not-yet", f"`{where}{key}` is not supported yet", at, helps=helps)
        elif instead is not None:
            self._report.error("settings-key-unknown", f"`{where}{key}` has no meaning here", at, helps=(instead,))
        else:
            helps = (did_you_mean(str(key), known) or f"there is {one_of(known)}",)
            self._report.error("settings-key-unknown", f"`{where}{key}` is no setting", at, helps=helps)
