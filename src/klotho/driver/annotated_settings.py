"""What klotho.yaml says of annotations, in the older compiler's keys: by id in `execution_units`, `exposed` and
`persisted`, and for all of a kind in `defaults`.

Input: the parsed file. Output: `AnnotatedSettings`. Reports unknown keys with the nearest one, and refuses by name
types that are not compiled yet and keys that have no meaning here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import DEFAULT, DEFAULT_DOOR, DOORS, HOSTS, Hosting, Said
from klotho.diagnostics import Report, Span, did_you_mean, one_of

SECTIONS = ("execution_units", "exposed", "persisted")
SECTIONS_LATER = ("static_unit", "static_units", "pubsub", "config")
_KEYS = {
    "execution_units": ("type", "environment_variables"),
    "exposed": ("type", "api_type"),
    "persisted": ("type",),
}
_VALUES: Mapping[str, Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "execution_units": {"type": (tuple(HOSTS), ("apprunner",))},
    "exposed": {"type": (tuple(DOORS), ()), "api_type": (("HTTP",), ("REST",))},
    "persisted": {
        "type": (("dynamodb", "s3", "rds_postgres", "elasticache", "secrets_manager"), ("aurora", "memorydb"))
    },
}
"""By key: what is compiled, and what is known and not yet."""
TYPES: Mapping[str, str] = {
    "dynamodb": "Databases.KeyValue",
    "s3": "Storage.Bucket",
    "rds_postgres": "Databases.Postgres",
    "elasticache": "Databases.Redis",
    "secrets_manager": "Secret",
}
"""What each type of `persisted` is; the code says which of them an id has."""
_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "kv": ("dynamodb",),
    "fs": ("s3",),
    "secret": ("secrets_manager",),
    "orm": ("rds_postgres",),
    "redis_node": ("elasticache",),
}
"""By kind of `defaults.persist`, its types."""
_INSTEAD = {
    "pulumi_params": "it holds parameters of Pulumi's resources; say it below `constructs:`, as `use:` or `override:`",
    "cockroachdb_serverless": "use `rds_postgres`, or describe the database in an infra.py",
    "network_placement": "services enter a network only where something they use is in one",
    "helm_chart_options": "charts are not taken in; write `type: eks`, and Klotho makes what the unit needs there",
    "content_delivery_network": "describe a Site in an infra.py",
}
"""Keys and values of the older compiler that have no meaning here, and what to do."""

_HOSTED: Mapping[str, Collection[str]] = {"execution_units": HOSTS, "exposed": DOORS}
"""The types that `Hosting` is told of, by section."""

LineOf = Callable[[Mapping[Any, Any], Any], Span]


@dataclass(frozen=True, slots=True)
class AnnotatedSettings:
    ids: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    """Where each id is named, by section."""
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Environment variables by unit."""
    types: Mapping[str, Said] = field(default_factory=dict)
    """The `type` of ids of `persisted`, and where it is said."""
    hosting: Hosting = field(default_factory=Hosting)
    """Where units run, and what APIs are made as."""


def read_annotated(data: Mapping[Any, Any], report: Report, line_of: LineOf) -> AnnotatedSettings:
    reader = _Reader(report, line_of)
    ids: dict[str, dict[str, Span]] = {}
    variables: dict[str, dict[str, str]] = {}
    types: dict[str, Said] = {}
    hosts: dict[str, dict[str, Said]] = {"execution_units": {}, "exposed": {}}
    for section in SECTIONS:
        for name in reader.mapping(data, section, ""):
            ids.setdefault(section, {})[str(name)] = line_of(data[section], name)
            entry = reader.mapping(data[section], name, f"{section}.")
            found = reader.entry(section, entry, f"{section}.{name}.")
            if found:
                variables[str(name)] = found
            known: Collection[str] = TYPES if section == "persisted" else _HOSTED[section]
            said = reader.said(data[section], name, known)
            if said is not None and section == "persisted":
                types[str(name)] = said
            elif said is not None:
                hosts[section][construct_name(str(name))] = said
    defaults = reader.mapping(data, "defaults", "")
    reader.defaults(defaults)
    unit = reader.said(defaults, "execution_unit", HOSTS) or Said(DEFAULT)
    door = reader.said(defaults, "expose", DOORS) or Said(DEFAULT_DOOR)
    hosting = Hosting(hosts["execution_units"], unit, hosts["exposed"], door)
    return AnnotatedSettings(ids, variables, types, hosting)


class _Reader:
    def __init__(self, report: Report, line_of: LineOf) -> None:
        self._report, self._line_of = report, line_of

    def mapping(self, data: Mapping[Any, Any], key: Any, where: str) -> Mapping[Any, Any]:
        value = data.get(key)
        if isinstance(value, Mapping):
            return value
        if value is not None:
            message = f"`{where}{key}` must hold names with settings"
            self._report.error("settings-shape", message, self._line_of(data, key))
        return {}

    def said(self, data: Mapping[Any, Any], key: Any, types: Collection[str]) -> Said | None:
        """The `type` of an entry; None without one that is known."""
        entry = data.get(key)
        if not isinstance(entry, Mapping):
            return None
        given = entry.get("type")
        return Said(given, self._line_of(entry, "type")) if isinstance(given, str) and given in types else None

    def entry(self, section: str, data: Mapping[Any, Any], where: str) -> dict[str, str]:
        """Checks what is said of one id; its environment variables."""
        for key in data:
            if key not in _KEYS[section]:
                self._unknown(data, key, where, _KEYS[section])
            elif key in _VALUES[section]:
                self._value(section, data, key, where)
        variables = self.mapping(data, "environment_variables", where)
        for name, value in variables.items():
            if isinstance(value, Mapping | list) or value is None:
                message = f"`{where}environment_variables.{name}` must be a text"
                self._report.error("settings-value", message, self._line_of(variables, name))
        return {str(name): str(value) for name, value in variables.items()}

    def defaults(self, data: Mapping[Any, Any]) -> None:
        names = {"execution_unit": "execution_units", "expose": "exposed"}
        for key in data:
            where = f"defaults.{key}."
            if key in names:
                self.entry(names[key], self.mapping(data, key, "defaults."), where)
            elif key == "persist":
                kinds = self.mapping(data, key, "defaults.")
                for kind in kinds:
                    if kind in _DEFAULTS:
                        self._kind(self.mapping(kinds, kind, where), f"{where}{kind}.", _DEFAULTS[kind])
                    else:
                        self._unknown(kinds, kind, where, tuple(_DEFAULTS), ("redis_cluster",))
            else:
                self._unknown(data, key, "defaults.", (*names, "persist"), ("static_unit", "pubsub", "config"))

    def _kind(self, data: Mapping[Any, Any], where: str, types: tuple[str, ...]) -> None:
        """Checks the defaults of one kind, which has types of its own."""
        self.entry("persisted", data, where)
        value = data.get("type")
        if isinstance(value, str) and value in TYPES and value not in types:
            at, helps = self._line_of(data, "type"), (f"there is {one_of(types)}",)
            self._report.error(
                "settings-value", f"`{where}type` is `{value}`, which is of another kind", at, helps=helps
            )

    def _value(self, section: str, data: Mapping[Any, Any], key: str, where: str) -> None:
        now, later = _VALUES[section][key]
        value, at = data[key], self._line_of(data, key)
        if not isinstance(value, str):
            self._report.error(
                "settings-value", f"`{where}{key}` must be a text", at, helps=(f"there is {one_of(now)}",)
            )
            return
        if value in now:
            return
        if value in _INSTEAD or value in later:
            helps = (_INSTEAD.get(value, f"there is {one_of(now)}"),)
            self._report.error("settings-not-yet", f"`{where}{key}: {value}` is not supported yet", at, helps=helps)
            return
        helps = (did_you_mean(str(value), (*now, *later)) or f"there is {one_of(now)}",)
        self._report.error("settings-value", f"`{where}{key}` is `{value}`, which is none", at, helps=helps)

    def _unknown(
        self, data: Mapping[Any, Any], key: Any, where: str, known: tuple[str, ...], later: tuple[str, ...] = ()
    ) -> None:
        at = self._line_of(data, key)
        if key in _INSTEAD:
            message = f"`{where}{key}` has no meaning here"
            self._report.error("settings-key-unknown", message, at, helps=(_INSTEAD[key],))
        elif key in later:
            self._report.error("settings-not-yet", f"`{where}{key}` is not supported yet", at)
        else:
            helps = (did_you_mean(str(key), known) or f"there is {one_of(known)}",)
            self._report.error("settings-key-unknown", f"`{where}{key}` is no setting", at, helps=helps)
