"""What this service was granted: the KLOTHO_ variables in, one Grant per name out.

Each variable holds JSON text with a `name`; the variable's own name is only a prefix and never decoded.
Refuses values that are not such JSON, naming the variable but not showing the value.
"""

from __future__ import annotations

import os

from klotho.runtime.errors import ConfigError, WrongKindError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

PREFIXES = {
    "datastores": "KLOTHO_DATASTORE_",
    "services": "KLOTHO_SERVICE_",
    "buckets": "KLOTHO_BUCKET_",
    "queues": "KLOTHO_QUEUE_",
    "topics": "KLOTHO_TOPIC_",
    "schedules": "KLOTHO_SCHEDULE_",
    "secrets": "KLOTHO_SECRET_",
    "settings": "KLOTHO_SETTING_",
    "user_pools": "KLOTHO_USERPOOL_",
}
"""The groups of `klotho.config`, and how the environment variables of each begin."""

# Options of the runtime itself that happen to begin like a group.
_OPTIONS = frozenset({"KLOTHO_SECRET_TTL_SECONDS"})


class Grant:
    """One thing this service may use: `name` and `kind` as in infra.py, and the kind's other `fields`."""

    __slots__ = ("fields", "group", "kind", "name", "variable")

    def __init__(self, group: str, variable: str, fields: Mapping[str, Any]) -> None:
        self.group = group
        self.variable = variable
        self.fields = fields
        self.name = str(fields["name"])
        self.kind = str(fields.get("kind", ""))

    def __repr__(self) -> str:
        return f"<{self.kind or self.group} {self.name!r}>"

    def __getitem__(self, field: str) -> Any:
        """One field; raises WrongKindError naming the fields there are."""
        try:
            return self.fields[field]
        except KeyError:
            known = ", ".join(sorted(self.fields))
            problem = f"{self.group} {self.name!r} ({self.kind}) has no {field!r}; it has {known} ({self.variable})"
        raise WrongKindError(problem)


def granted(group: str) -> Iterator[Grant]:
    """Everything granted in one group, in the order of the variables' names."""
    prefix = PREFIXES[group]
    for variable in sorted(os.environ):
        if variable.startswith(prefix) and variable not in _OPTIONS:
            yield Grant(group, variable, _parsed(variable))


def under_klotho() -> bool:
    """Whether any of Klotho's variables is set."""
    return any(name.startswith(("KLOTHO_UNIT", *PREFIXES.values())) and name not in _OPTIONS for name in os.environ)


def this_service() -> str:
    """The name of this service in infra.py, empty if unknown."""
    return os.environ.get("KLOTHO_UNIT", "")


def _parsed(variable: str) -> Mapping[str, Any]:
    import json

    try:
        fields = json.loads(os.environ[variable])
    except ValueError:
        fields = None
    if isinstance(fields, dict) and isinstance(fields.get("name"), str):
        return fields
    raise ConfigError(
        f"the environment variable {variable} is not JSON with a name: it is written by Klotho at deployment; "
        "was it changed by hand, or set by another version of Klotho?"
    )
