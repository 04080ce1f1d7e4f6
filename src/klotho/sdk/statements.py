"""What a program says about a construct: verbs, requirements and directives.

A method under `@verb(…)` or `@statement(…)` only declares its signature and documentation; the arguments are read, what
is wrong is reported, and the rest is recorded. All of them return None.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from klotho.application import Construct as Model
from klotho.application import Directive, Relationship, Requirement
from klotho.diagnostics import Label
from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments, Signature, bind
from klotho.sdk.output import Output
from klotho.sdk.readers import Reader
from klotho.sdk.recording import current

if TYPE_CHECKING:
    from klotho.sdk.construct import Construct

F = TypeVar("F", bound=Callable[..., Any])
Handler = Callable[[Any, Arguments], None]

RESOURCE_TYPE = r"[A-Z][A-Za-z0-9]*::[A-Z][A-Za-z0-9]*::[A-Z][A-Za-z0-9]*"

REQUIREMENTS: Mapping[str, Reader] = {
    "availability": read.number(0, 100, "percent of the time"),
    "max_latency_ms": read.number(0, unit="milliseconds"),
    "max_duration_s": read.number(0, unit="seconds"),
    "max_payload_mb": read.number(0, unit="MB"),
    "always_on": read.truth,
    "cold_start": read.truth,
    "max_monthly_cost": read.number(0, unit="US dollars"),
    "data_residency": read.some_text,
    "encrypted_in_transit": read.truth,
    "internet": read.truth,
}
OBJECTIVE: Mapping[str, Reader] = {"objective": read.objective}
"""Of an application only: what is made of all its parts is weighed together."""
USAGE: Mapping[str, Reader] = {
    "requests_per_month": read.amount(),
    "average_ms": read.amount("milliseconds"),
    "storage_gb": read.amount("GB"),
}


_SAYINGS = {"requires": "requires(availability=99.9)", "expects": "expects(requests_per_month=100_000)"}


def statement(handler: Handler, title: str | None = None, /, **readers: Reader) -> Callable[[F], F]:
    """For a method that says something about its construct: reads the arguments and hands them to `handler`.

    Messages name it `title`, by default the method's name.
    """

    def decorate(method: F) -> F:
        signature = Signature.of(method)

        @functools.wraps(method)
        def say(self: Any, /, *args: Any, **kwargs: Any) -> None:
            recording = current()
            arguments = Arguments(recording, title or f"`{method.__name__}`", recording.sources.here())
            bind(arguments, signature, readers, args, kwargs)
            handler(self, arguments)

        return say  # type: ignore[return-value]  # functools.wraps keeps the signature

    return decorate


def verb(**readers: Reader) -> Callable[[F], F]:
    """For a method whose first parameter is another construct: records a relationship named like the method."""

    def decorate(method: F) -> F:
        signature = Signature.of(method)
        name, first = method.__name__, signature.positional[0]

        @functools.wraps(method)
        def relate(self: Any, /, *args: Any, **kwargs: Any) -> None:
            recording = current()
            arguments = Arguments(recording, f"`{name}`", recording.sources.here())
            raw = bind(arguments, signature, readers, args, kwargs)
            target = target_of(arguments, first, raw[first]) if first in raw else None
            actor = model_of(self, arguments)
            if actor is not None and target is not None and not arguments.complained:
                properties = {**self._verb_defaults(name), **arguments.values}
                recording.relationships.append(Relationship(name, actor.id, target.id, properties, arguments.span))

        relate.__dict__["is_verb"] = True
        return relate  # type: ignore[return-value]  # functools.wraps keeps the signature

    return decorate


def model_of(construct: Any, arguments: Arguments) -> Model | None:
    """What was recorded for a construct; None when its own mistakes were reported already."""
    from klotho.sdk.construct import Construct

    if not isinstance(construct, Construct):  # `Compute.Container.calls(…)` on the class itself
        found = read.shown(construct)
        message = f"{arguments.title} is said by a construct, not by {found}"
        arguments.complain("not-a-construct", message, helps=("make one first, and call it on that",))
        return None
    if not construct._described:
        arguments.complain(
            "not-a-construct",
            f"this {printable_class(construct)} never described itself",
            helps=("call `super().__init__(…)` in its `__init__`",),
        )
    return construct._made


def printable_class(construct: object) -> str:
    return read.printable(type(construct).__name__)


def target_of(arguments: Arguments, name: str, value: Any) -> Model | None:
    from klotho.sdk.construct import Construct

    if isinstance(value, Construct):
        return model_of(value, arguments)
    help_text = "give a construct, for example one made by `Databases.Postgres(…)`"
    if isinstance(value, Output):
        help_text = f"give the construct itself, without `.{value.output}`"
    elif isinstance(value, str):
        found = [item.title for item in arguments.recording.constructs if item.name == value]
        help_text = f"give the variable that holds {found[0]}, not its name" if found else help_text
    elif isinstance(value, type) and issubclass(value, Construct) and value.KIND:
        help_text = f"make one first: `{value.KIND}(…)`"
    elif isinstance(value, list | tuple | set | frozenset):
        help_text = f"call {arguments.title} once for each"
    arguments.complain(
        "not-a-construct",
        f"{arguments.title} needs a construct, not {read.shown(value)}",
        name,
        helps=(help_text,),
    )
    return None


def record_requirements(speaker: Any, arguments: Arguments) -> None:
    """`requires` and `expects`, of a construct or of the whole application."""
    from klotho.sdk.construct import Construct

    if arguments.lacks(*REQUIREMENTS, *OBJECTIVE, *USAGE):
        name = arguments.title.strip("`")
        help_text = f"say something, for example `{_SAYINGS.get(name, f'{name}(…)')}`"
        arguments.complain(
            "missing-argument", f"{arguments.title} says nothing without an argument", helps=(help_text,)
        )
    made = model_of(speaker, arguments) if isinstance(speaker, Construct) else None
    if made is None and isinstance(speaker, Construct):
        return
    arguments.recording.requirements += [
        Requirement(made.id if made else None, name, value, arguments.span) for name, value in arguments.values.items()
    ]


def record_use(construct: Construct, arguments: Arguments) -> None:
    made = model_of(construct, arguments)
    implementation = arguments.values.pop("implementation", None)
    readers = getattr(type(construct).__init__, "readers", {})
    for name in [item for item in arguments.values if item in readers]:
        arguments.read_again(name, readers[name])
    if made is None or implementation is None:
        return
    earlier = arguments.recording.use_of(made.id)
    if earlier is not None:
        arguments.complain(
            "directive-repeated",
            f"{made.title} is told twice what to use",
            also=(Label(earlier.span, "it stands here already"),) if earlier.span else (),
            helps=("keep one of them",),
        )
        return
    directive = Directive(made.id, "use", implementation, dict(arguments.values), arguments.span)
    arguments.recording.directives.append(directive)


def record_override(construct: Construct, arguments: Arguments) -> None:
    made = model_of(construct, arguments)
    values = arguments.values
    if made is not None and "resource_type" in values and "properties" in values:
        directive = Directive(made.id, "override", values["resource_type"], values["properties"], arguments.span)
        arguments.recording.directives.append(directive)
