"""Route templates of ASP.NET Core as paths of an API.

Input: a template such as `api/pets/{id:int?}`. Output: the paths it stands for, `/api/pets` and `/api/pets/{id}`; none
where an API can't say them: catch-all parameters, several parameters in a segment. Source:
learn.microsoft.com/aspnet/core/fundamentals/routing (route templates).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_LITERAL = re.compile(r"[\w.~@!$&'=,;%-]+", re.ASCII)
_PARAMETER = re.compile(r"\w+", re.ASCII)


class Segment(NamedTuple):
    text: str
    """`pets`, or `{id}`."""
    may_lack: bool = False
    """Whether a path may end before it."""
    default: str | None = None


def joined(*templates: str | None) -> str:
    """One template below another; one that begins with `/` or `~/` stands for itself."""
    found = ""
    for template in templates:
        if template is None:
            continue
        if template.startswith(("/", "~/")):
            found = template.removeprefix("~")
        else:
            found = f"{found.rstrip('/')}/{template}" if found.strip("/") else template
    return found


def below(prefix: str, template: str) -> str:
    """A pattern of an endpoint below a group's: a leading `/` means nothing there."""
    return f"{prefix.rstrip('/')}/{template.lstrip('/')}"


def paths_of(template: str) -> list[str]:
    """The longest one last."""
    segments = segments_of(template)
    return [] if segments is None else paths_of_segments(segments)


def paths_of_segments(segments: list[Segment]) -> list[str]:
    found = []
    for end in range(len(segments), -1, -1):
        found.append("/" + "/".join(item.text for item in segments[:end]))
        if end and not segments[end - 1].may_lack:
            break
    return found[::-1]


def segments_of(template: str) -> list[Segment] | None:
    """None where an API can't say it."""
    parts = _split(template.removeprefix("~").strip("/"))
    found = [_segment(part) for part in parts if part]
    segments = [item for item in found if item is not None]
    return segments if len(segments) == len(found) else None


def filled(segments: list[Segment], values: Mapping[str, str]) -> list[Segment]:
    """With parameters replaced by what they are for one action: they may lack where that is their default."""
    return [
        Segment(value, item.default is not None and item.default.lower() == value.lower())
        if (value := values.get(item.text.strip("{}").lower(), "")) and item.text.startswith("{")
        else item
        for item in segments
    ]


def _split(template: str) -> list[str]:
    """At each `/` that is no part of a parameter's constraint."""
    parts, depth = [""], 0
    for char in template:
        if char == "/" and depth <= 0:
            parts.append("")
            continue
        depth += {"{": 1, "}": -1}.get(char, 0)
        parts[-1] += char
    return parts


def _segment(part: str) -> Segment | None:
    if not part.startswith("{"):
        return Segment(part) if _LITERAL.fullmatch(part) else None
    inner = part[1:-1]
    if part.startswith("{{") or not part.endswith("}") or "}" in inner.replace("}}", ""):
        return None
    name = _PARAMETER.match(inner)
    if name is None:  # `{*path}`, or nothing that is a parameter
        return None
    rest = inner[name.end() :]
    constraint, equals, default = rest.partition("=") if ":" not in rest else _default(rest)
    if constraint.rstrip("?") and not constraint.startswith(":"):
        return None
    return Segment(f"{{{name[0]}}}", bool(equals) or rest.endswith("?"), default if equals else None)


def _default(rest: str) -> tuple[str, str, str]:
    """The constraints, and the default behind the last of them: a `=` in brackets is of a constraint."""
    depth = 0
    for at, char in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "=" and depth <= 0:
            return rest[:at], "=", rest[at + 1 :]
    return rest, "", ""
