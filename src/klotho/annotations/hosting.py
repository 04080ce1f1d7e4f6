"""Where units run, as klotho.yaml says it.

Input: types by unit and the default. Output: `Hosting`, which compiling asks for each unit. What a type becomes is a
construct and, where it is not that construct's default, the implementation it is pinned to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from klotho.diagnostics import Span

Form = Literal["function", "container"]
"""How a unit is packed: as a handler that is sent events, or as a program that listens."""


class Host(NamedTuple):
    """What a unit becomes."""

    form: Form
    pin: str | None = None
    """The implementation that `use(…)` would name; None: what the solver takes."""


HOSTS: Mapping[str, Host] = {
    "lambda": Host("function"),
    "fargate": Host("container", "fargate"),
    "ecs": Host("container", "fargate"),
    "fargate-spot": Host("container", "fargate-spot"),
    "lambda-container": Host("container", "lambda-container"),
    "eks": Host("container", "eks"),
}
"""By the type that klotho.yaml writes; `ecs` is the older compiler's word."""
DEFAULT = "lambda"


@dataclass(frozen=True, slots=True)
class Hosting:
    types: Mapping[str, tuple[str, Span | None]] = field(default_factory=dict)
    """By construct name, and where it is said."""
    default: tuple[str, Span | None] = (DEFAULT, None)

    def of(self, name: str) -> tuple[Host, Span | None]:
        type_, span = self.types.get(name, self.default)
        return HOSTS[type_], span
