"""Where units run and what their APIs are made as, as klotho.yaml says it.

Input: types by name and the defaults. Output: `Hosting`, which compiling asks for each unit and API. What a type
becomes is a construct and, where it is not that construct's default, the implementation it is pinned to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
IN_A_CONTAINER = "lambda-container"
"""What `lambda` is for units that can be no functions."""
ON_ECS = tuple(name for name, host in HOSTS.items() if host.pin in ("fargate", "fargate-spot"))
"""What a public load balancer leads to."""

DOORS: Mapping[str, str] = {"apigateway": "http-api", "alb": "public-alb"}
"""What a public API is pinned to, by the type that klotho.yaml writes."""
DEFAULT_DOOR = "apigateway"


class Said(NamedTuple):
    """A type, and where it is said; None where nothing says it."""

    type: str
    span: Span | None = None


_ON_LAMBDA, _BY_HTTP_API = Said(DEFAULT), Said(DEFAULT_DOOR)


@dataclass(frozen=True, slots=True)
class Hosting:
    types: Mapping[str, Said] = field(default_factory=dict)
    """Of units, by construct name."""
    default: Said = _ON_LAMBDA
    doors: Mapping[str, Said] = field(default_factory=dict)
    """Of APIs, by construct name."""
    default_door: Said = _BY_HTTP_API

    def in_a_container(self, name: str) -> Hosting:
        """With one of the units on Lambda in a container where it would be a function."""
        said = Said(IN_A_CONTAINER, self.type_of(name).span)
        return replace(self, types={**self.types, name: said})

    def of(self, name: str) -> tuple[Host, Span | None]:
        """Of a unit, by construct name."""
        type_, span = self.type_of(name)
        return HOSTS[type_], span

    def type_of(self, name: str) -> Said:
        return self.types.get(name, self.default)
