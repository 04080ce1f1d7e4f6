"""What a handler may say beyond the base interface; the engine asks with `isinstance`, absence is the default."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from klotho.localcloud.handler import Outcome, Properties, Record, Request


@runtime_checkable
class DecidesReplacement(Protocol):
    """Asked when properties differ of which none is create-only; without it the change is an update in place."""

    def must_replace(self, request: Request) -> bool:
        """Whether going from `request.previous` to `request.properties` needs a new resource."""
        ...


@runtime_checkable
class TakesSnapshots(Protocol):
    """Honours DeletionPolicy Snapshot; without it the resource is kept, and the event says so."""

    async def snapshot(self, record: Record) -> str:
        """Keep the resource's data; gives the snapshot's name. Tried again with the same record after a crash."""
        ...


@runtime_checkable
class NamesAttributes(Protocol):
    """Says up front which attributes of the schema the handler gives, so that `Fn::GetAtt` can refuse the others."""

    given_attributes: frozenset[str]


@runtime_checkable
class BecomesReadyLater(Protocol):
    """What `create` and `update` wait for can go on after the operation: asked in CloudFormation's express mode."""

    async def apply(self, request: Request) -> Outcome:
        """As `create` (without `request.identifier`) or `update`, back as soon as the configuration is applied. Whether
        it became ready is told by the service's own API; a failure leaves what ran before. The same for the same
        token."""
        ...


@runtime_checkable
class ShowsLive(Protocol):
    """Its plane can be changed by other calls than CloudFormation's: drift detection asks what is there now."""

    def live(self, record: Record) -> Properties | None:
        """The properties as they are now, by the schema's names; None when the resource is gone."""
        ...
