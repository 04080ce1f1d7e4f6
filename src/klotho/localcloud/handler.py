"""What a resource type of the local cloud implements.

The CloudFormation engine (`localcloud/cloudformation/`) decides *when* a resource is created, updated, replaced or
deleted, journals each step, and stores what a handler returns in the `World`. A handler does the work of one type
and nothing else: it keeps no table of its own for what the template says, because the record holds that.

Passive types (roles, subnets, log groups ...) share `GenericHandler`; a type with work to do has its own small
module in `localcloud/handlers/`, listed literally in `localcloud/handlers/__init__.py`.

Rules every handler keeps, checked by the one contract test:

* **Idempotent by token.** `Request.token` is the same when an operation is tried again after a crash. A `create`
  tried twice yields the same identifier and does the work once. Derive names and ids from the token
  (`klotho.localcloud.identity`), never from a counter or a random number.
* **Delete is idempotent**: deleting what is already gone succeeds.
* **Nothing is ignored.** `carries` names the properties the handler honours. The engine refuses, by name, a template
  that sets any other property of the type before the operation starts.
* **Failure is a `HandlerError`** with AWS's code and a reason a person can act on. Anything else is a bug in Klotho.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

Properties = Mapping[str, Any]


class HandlerError(Exception):
    """An operation failed the way it would on AWS; becomes the resource's status reason."""

    def __init__(self, reason: str, code: str = "GeneralServiceException", identifier: str | None = None) -> None:
        """`identifier`: what a failed create left behind all the same; the rollback deletes it."""
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.identifier = identifier


@dataclass(frozen=True, slots=True)
class Request:
    """One operation on one resource, every intrinsic function already resolved to plain JSON values."""

    type_name: str
    logical_id: str
    stack_name: str
    stack_id: str
    token: str
    """Stable across retries of the same operation; a replacement gets a new one."""
    properties: Properties
    """The desired properties (for delete: those the resource has)."""
    identifier: str | None = None
    """The physical id; None for create."""
    previous: Properties = field(default_factory=dict)
    """The properties before an update."""
    attributes: Properties = field(default_factory=dict)
    """What the earlier outcome said `Fn::GetAtt` may name."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The stack's tags, which CloudFormation propagates to its resources."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `Ref` and `Fn::GetAtt` give for the resource from now on."""

    identifier: str
    """The physical id: what `Ref` returns and what `DescribeStackResources` shows."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Read-only properties by the schema's names; nested ones with dots, as GetAtt writes them (`Endpoint.Address`)."""
    no_echo: bool = False
    """Whether the attributes are secret: no event and no reason shows them."""


class Handler(ABC):
    """Base of all handlers: stores the cloud, and does nothing when an application stops or comes back."""

    type_name: ClassVar[str]
    carries: ClassVar[frozenset[str]]
    """Top-level property names honoured; a nested restriction is written with dots (`Code.S3Key`): as soon as one
    dotted name of a property is listed, only its listed children are honoured."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @abstractmethod
    async def create(self, request: Request) -> Outcome:
        """Make the resource; the same outcome for the same token."""

    @abstractmethod
    async def update(self, request: Request) -> Outcome:
        """Apply `request.properties` over `request.previous`; create-only properties never differ here.

        An outcome with another identifier says that a new resource was made: the old one is deleted afterwards.
        """

    @abstractmethod
    async def delete(self, request: Request) -> None:
        """Remove it; succeeds when it is gone already."""

    async def resume(self, record: Record) -> None:  # noqa: B027 - most types have nothing to bring back
        """The resource is live and its application runs (again): bring its plane back. May run when it is back."""

    async def suspend(self, record: Record) -> None:  # noqa: B027 - most types have nothing that runs
        """Its application is stopped: end its processes and close its ports, keep its data. May run twice."""


@dataclass(frozen=True, slots=True)
class Record:
    """One live resource, as the `World` stores it."""

    type_name: str
    identifier: str
    properties: Properties
    attributes: Properties
    token: str
    stack_id: str
    stack_name: str
    logical_id: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, request: Request, identifier: str, attributes: Mapping[str, Any]) -> Record:
        """What a request made."""
        return cls(
            type_name=request.type_name,
            identifier=identifier,
            properties=request.properties,
            attributes=attributes,
            token=request.token,
            stack_id=request.stack_id,
            stack_name=request.stack_name,
            logical_id=request.logical_id,
            tags=request.tags,
        )


APPLICATION_TAG = "klotho:application"
"""The stack tag that says which application a resource belongs to."""


def application_of(record: Record) -> str | None:
    """The application a live resource belongs to; None for a stack made with another tool."""
    return record.tags.get(APPLICATION_TAG)


def own_tags(live: Mapping[str, str], record: Record) -> list[dict[str, str]]:
    """Live tags as a template lists them, without those the stack handed down."""
    return [{"Key": key, "Value": value} for key, value in sorted(live.items()) if record.tags.get(key) != value]
