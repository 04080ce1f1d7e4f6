"""`klotho.Annotated`: the annotated code beside a program, whose units, APIs and stores join its application."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from klotho.application import Construct as Model
from klotho.sdk import readers as read
from klotho.sdk.api import API
from klotho.sdk.arguments import Arguments, Signature, bind
from klotho.sdk.construct import Construct
from klotho.sdk.function import Function
from klotho.sdk.key_value import KeyValue
from klotho.sdk.names import Refusing
from klotho.sdk.recording import current
from klotho.sdk.site import Site
from klotho.sdk.statements import statement

F = TypeVar("F", bound=Callable[..., Any])


def _begin(annotated: Annotated, arguments: Arguments) -> None:
    recording = arguments.recording
    if recording.annotated is not None:
        message = "a program takes in its annotated code once, this is the second time"
        arguments.complain("conflicting-arguments", message, helps=("keep one `klotho.Annotated()`",))
        return
    recording.annotated, recording.annotated_at = [], arguments.span


def _asks(cls: type[Construct]) -> Callable[[F], F]:
    """For a method that gives a construct of this class which the annotated code makes."""

    def decorate(method: F) -> F:
        signature = Signature.of(method)

        @functools.wraps(method)
        def ask(self: Annotated, /, *args: Any, **kwargs: Any) -> Construct:
            recording = current()
            arguments = Arguments(recording, f"`{method.__name__}`", recording.sources.here())
            bind(arguments, signature, {"id": read.some_text}, args, kwargs)
            handle: Construct = object.__new__(cls)
            object.__setattr__(handle, "_described", True)
            if "id" in arguments.values:
                # Ids may hold what names may not: the annotated code names its constructs in the same way.
                name = str(arguments.values["id"]).replace("/", "-").replace(":", "-")
                model = Model(cls.KIND, name, {}, arguments.span)
                object.__setattr__(handle, "_made", model)
                if recording.annotated is not None:
                    recording.annotated.append(model)
            return handle

        return ask  # type: ignore[return-value]  # functools.wraps keeps the signature

    return decorate


class Annotated(Refusing):
    """The annotated code in this program's folder, compiled together with what the program describes."""

    _spoken = "the annotated code"

    @statement(_begin, "klotho.Annotated")
    def __init__(self) -> None:
        """Take in the annotated code below this program's folder: all it makes becomes part of this application."""

    @_asks(Function)
    def unit(self, id: str) -> Function:  # type: ignore[empty-body]  # `_asks` gives the construct
        """The execution unit of this id (`"main"` for what no annotation gives to another), to say what it uses:
        `code.unit("main").calls(orders)`."""

    @_asks(API)
    def api(self, id: str) -> API:  # type: ignore[empty-body]  # as above
        """What `expose` with this id becomes, for its `url`, routes of other services, and who may call it."""

    @_asks(KeyValue)
    def store(self, id: str) -> KeyValue:  # type: ignore[empty-body]  # as above
        """The table of `persist` with this id, for others that use it: `report.reads_from(code.store("pets"))`."""

    @_asks(Site)
    def site(self, id: str) -> Site:  # type: ignore[empty-body]  # as above
        """What `static_unit` with this id becomes, for its `url`."""
