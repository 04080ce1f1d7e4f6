"""The one handler of all passive types: recorded, given ids and attributes as AWS would, nothing running behind them.

Input: a `Passive` (see `passive.py`) per type. The engine around it validates properties against the schema, refuses
references to what does not exist and protects what others name (`cloudformation/references.py`); the record in the
World is all there is, so create and update only say what `Ref` and `Fn::GetAtt` give, and delete has nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Request


@dataclass(frozen=True, slots=True)
class Made:
    """What identifiers and attributes are made from: the request for creation, and the identifier once known."""

    request: Request
    region: str
    account: str
    identifier: str = ""

    @property
    def token(self) -> str:
        return self.request.token

    def text(self, name: str, default: str = "") -> str:
        """A property as text."""
        return str(self.request.properties.get(name, default))


Maker = Callable[[Made], Any]


@dataclass(frozen=True, slots=True)
class Passive:
    """A resource type with nothing running behind it."""

    type_name: str
    identify: Callable[[Made], str]
    """The physical id, from the request for creation only: a retry gives the same."""
    carries: frozenset[str]
    attributes: Mapping[str, Maker] = field(default_factory=dict)
    """By the schema's names; fixed at creation. An attribute that is missing here is refused by name in GetAtt."""


class GenericHandler(Handler):
    """Base of the handler classes `handler_class` makes."""

    passive: ClassVar[Passive]
    given_attributes: frozenset[str] = frozenset()

    async def create(self, request: Request) -> Outcome:
        made = Made(request, self.cloud.region, self.cloud.account)
        identifier = self.passive.identify(made)
        held = self.cloud.world.get(self.type_name, identifier)
        if held is not None and held.token != request.token:
            raise HandlerError(f"{identifier} already exists", "AlreadyExists")
        made = Made(request, made.region, made.account, identifier)
        return Outcome(identifier, {name: make(made) for name, make in self.passive.attributes.items()})

    async def update(self, request: Request) -> Outcome:
        if request.identifier is None:
            raise HandlerError(f"an update of {request.logical_id} without its physical id", "InvalidRequest")
        return Outcome(request.identifier, request.attributes)

    async def delete(self, request: Request) -> None:
        """Nothing runs behind a passive resource; the engine removes the record."""


def handler_class(passive: Passive) -> type[GenericHandler]:
    """The handler class of one passive type."""
    return type(
        f"Generic{passive.type_name.replace('::', '')}",
        (GenericHandler,),
        {
            "type_name": passive.type_name,
            "carries": passive.carries,
            "passive": passive,
            "given_attributes": frozenset(passive.attributes),
        },
    )
