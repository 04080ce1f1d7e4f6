"""What every construct has in common.

A construct is a class with a `KIND`, outputs, and an `__init__` that only declares its signature and documentation:
`@described(…)` reads the arguments, reports what is wrong, and records the construct. Adding a construct is one such
file and one line in `namespaces.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from klotho.application import Construct as Model
from klotho.application import Existing as ExistingModel
from klotho.application.validation import NAME
from klotho.diagnostics import did_you_mean, one_of
from klotho.sdk import readers as read
from klotho.sdk.absent import ABSENT
from klotho.sdk.arguments import Arguments, Signature, bind
from klotho.sdk.existing import Existing, read_one
from klotho.sdk.output import OutputAttribute, declare_outputs
from klotho.sdk.readers import Reader
from klotho.sdk.recording import current
from klotho.sdk.stack import read_stack
from klotho.sdk.statements import (
    REQUIREMENTS,
    RESOURCE_TYPE,
    USAGE,
    record_override,
    record_requirements,
    record_use,
    statement,
)

F = TypeVar("F", bound=Callable[..., Any])

Adopted = str | Existing | Mapping[str, str | Existing] | None
"""`existing=`: an ARN or name, with more said as `Existing(…)`, or one by environment (`{"prod": "arn:aws:…"}`): it is
made in the others."""

KINDS: dict[str, type[Construct]] = {}
"""Every construct class by its kind; each registers itself."""


def renamable_kinds() -> frozenset[str]:
    """The kinds that take `was=`: those that hold data."""
    return frozenset(kind for kind, cls in KINDS.items() if "was" in Signature.of(cls.__init__).names)


def read_name(value: Any) -> str:
    """A name as the model takes it."""
    plain = read.text(value)
    if not NAME.fullmatch(plain):
        raise read.Wrong(read.Problem(_NAME_RULE, read.shown(plain), code="bad-name"))
    return plain


def read_existing(value: Any) -> ExistingModel | dict[str, ExistingModel]:
    """What is there already, or one by environment."""
    if isinstance(value, str | Existing):
        return read_one(value)
    expected = 'an ARN or name, or one by environment such as `{"prod": "arn:aws:…"}`'
    items = read.mapping(value, expected)
    if not items:
        raise read.wrong(expected, value)
    return {
        read.inside(read.some_text, name, f"[{read.shown(name)}]"): read.inside(read_one, item, f"[{read.shown(name)}]")
        for name, item in items.items()
    }


_NAME_RULE = "letters, digits, `_`, `-` and `.`, starting with a letter, at most 63"

_COMMON: Mapping[str, Reader] = {
    "name": read_name,
    "stack": read_stack,
    "from_project": read.truth,
    "existing": read_existing,
    "was": read_name,
}


def described(**readers: Reader) -> Callable[[F], F]:
    """For `__init__`: reads the arguments with these readers and records the construct."""

    def decorate(init: F) -> F:
        signature = Signature.of(init)

        @functools.wraps(init)
        def describe(self: Construct, /, *args: Any, **kwargs: Any) -> None:
            recording = current()
            arguments = Arguments(recording, self.KIND, recording.sources.here())
            raw = bind(arguments, signature, {**_COMMON, **readers}, args, kwargs)
            object.__setattr__(self, "_described", True)
            object.__setattr__(self, "_made", _record(self, arguments, signature.names))
            self._relate(arguments, raw)

        describe.__dict__["readers"] = readers
        return describe  # type: ignore[return-value]  # functools.wraps keeps the signature

    return decorate


def _record(construct: Construct, arguments: Arguments, parameters: tuple[str, ...]) -> Model | None:
    if arguments.recording.early is None and arguments.recording.heading_span is None:
        arguments.recording.early = arguments.span
    values = arguments.values
    if values.get("from_project"):
        _only_named(arguments)
    elif not isinstance(values.get("existing"), ExistingModel):
        construct._check(arguments)
    name = values["name"] if "name" in values else _derived_name(construct, arguments)
    if name is None:
        # Whatever the program does with it is absorbed, but the rest of it can still be checked.
        given = arguments.raw_name
        _add(construct, arguments, read.printable(given) if isinstance(given, str) and given else "?", parameters)
        return None
    return _add(construct, arguments, name, parameters)


def _add(construct: Construct, arguments: Arguments, name: str, parameters: tuple[str, ...]) -> Model:
    values = arguments.values
    stacks = arguments.recording.stacks
    model = Model(
        kind=construct.KIND,
        name=name,
        properties={key: value for key, value in values.items() if key not in _COMMON},
        span=arguments.span,
        stack=values.get("stack") or (stacks[-1] if stacks else None) or None,
        from_project=bool(values.get("from_project")),
        existing=values.get("existing"),
        was=values.get("was"),
        unread=arguments.reported(parameters) | ({"name"} if "name" not in values and arguments.complained else set()),
        locate=arguments.name_place,
    )
    return construct._recorded(arguments, model)


def _derived_name(construct: Construct, arguments: Arguments) -> str | None:
    if not arguments.lacks("name"):
        return None  # what was given for it is reported already
    name = construct._default_name(arguments)
    if name is None:
        if not arguments.complained:
            arguments.missing("name", construct._name_help)
    elif not NAME.fullmatch(name):
        message = f"the folder's name `{read.printable(name)}` can't be the name of a {arguments.title}"
        help_text = "give one: `name=`, starting with a letter, of letters, digits, `_`, `-` and `.`"
        arguments.complain("bad-name", message, "context", helps=(help_text,))
        return None
    return name


def _only_named(arguments: Arguments) -> None:
    """With `from_project=True` another repository says what the construct is."""
    for name in [key for key in arguments.values if key not in ("name", "from_project")]:
        arguments.complain(
            "conflicting-arguments",
            f"`{name}` of {arguments.title} can't be given together with `from_project=True`",
            name,
            notes=("another repository of the project defines the construct, only its name is given here",),
            helps=(f"leave out `{name}=`, or leave out `from_project=True` to define the construct here",),
        )
        del arguments.values[name]


class Construct(read.Titled):
    """Something the application needs; made by calling its class."""

    KIND: ClassVar[str] = ""
    _name_help: ClassVar[str | None] = None
    """How to give the name, where one is missing."""

    _made: Model | None = None
    """What was recorded; None when its mistakes made it useless, then whatever is done with it is absorbed."""
    _described: bool = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "KIND" in cls.__dict__:  # not a class of the user's that extends one of ours
            KINDS[cls.KIND] = cls
            declare_outputs(cls.KIND, cls)

    @property
    def name(self) -> str:
        """The name it was given, or that was derived for it."""
        return ABSENT if self._made is None else self._made.name

    @statement(record_use, implementation=read.some_text)
    def use(self, implementation: str, **parameters: Any) -> None:
        """Pin how this construct is made, with parameters of that implementation: `orders.use("fargate", cpu=512)`.

        Default: Klotho chooses. The parameters win over what the construct was given.
        """

    @statement(
        record_override,
        resource_type=read.matching(RESOURCE_TYPE, "a CloudFormation type such as `AWS::RDS::DBInstance`"),
        properties=read.json_mapping,
    )
    def override(self, resource_type: str, properties: Mapping[str, Any]) -> None:
        """Set properties of the resources generated for this construct: the last word, after every rule of Klotho's.

        `resource_type` and the property names are CloudFormation's:
        `orders_db.override("AWS::RDS::DBInstance", {"MultiAZ": True})`.
        """

    @statement(record_requirements, **REQUIREMENTS)
    def requires(
        self,
        *,
        availability: float | None = None,
        max_latency_ms: float | None = None,
        max_duration_s: float | None = None,
        max_payload_mb: float | None = None,
        always_on: bool | None = None,
        cold_start: bool | None = None,
        max_monthly_cost: float | None = None,
        data_residency: str | None = None,
        encrypted_in_transit: bool | None = None,
        internet: bool | None = None,
    ) -> None:
        """What must hold: availability in percent (99.9), latency in milliseconds, duration in seconds (the longest run
        it must bear), payload in MB, `always_on=True` or `cold_start=False` for what must never have to start first,
        cost in US dollars a month, data residency as a region or country (`"eu"`), everything encrypted
        in transit (True; the whole network is then, also for other constructs), `internet=False` for what calls AWS
        services only. Default: nothing is required; containers may call the internet, functions in the network may not.
        """

    @statement(record_requirements, **USAGE)
    def expects(
        self,
        *,
        requests_per_month: float | tuple[float, float] | None = None,
        average_ms: float | tuple[float, float] | None = None,
        storage_gb: float | tuple[float, float] | None = None,
    ) -> None:
        """How much use to reckon with, for choosing and for costs: requests a month, milliseconds a request, GB kept,
        each as one number or as the least and the most: `(1_000, 50_000)`. Default: nothing is known."""

    # --- what a construct class may add ---

    def _check(self, arguments: Arguments) -> None:
        """Report arguments that make no sense together."""

    def _relate(self, arguments: Arguments, raw: Mapping[str, Any]) -> None:
        """Record relationships that were given as arguments; `raw` are those without a reader."""

    def _recorded(self, arguments: Arguments, model: Model) -> Model:
        """Put the construct into the recording; what counts from now on."""
        arguments.recording.constructs.append(model)
        return model

    def _default_name(self, arguments: Arguments) -> str | None:
        """The name when none was given."""
        return None

    def _verb_defaults(self, verb: str) -> Mapping[str, Any]:
        """Properties that a relationship carries also when they were not given."""
        return {}

    # --- how it behaves as a Python object ---

    def __repr__(self) -> str:
        return self._title()

    def __str__(self) -> str:
        # Angle brackets let `environment=` recognise a construct that was put into text.
        return f"<{self._title()}>"

    def _title(self) -> str:
        return self.KIND if self._made is None else self._made.title

    def _output_names(self) -> list[str]:
        cls = type(self)
        names = [name for name in dir(cls) if isinstance(getattr(cls, name, None), OutputAttribute)]
        return [name for name in names if not getattr(cls, name).secret]

    if not TYPE_CHECKING:  # type checkers must go on refusing attributes that do not exist

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return _complain_attribute(self, name)

        def __setattr__(self, name: str, value: object) -> None:
            if name.startswith("_") or type(self).__dict__.get("KIND") is None:
                object.__setattr__(self, name, value)  # a class of the user's may keep what it likes
                return
            _complain_assignment(self, name)

        def __delattr__(self, name: str) -> None:
            _complain_assignment(self, name)


def _complain_attribute(construct: Construct, name: str) -> Any:
    recording = current()
    at = recording.sources.attribute(recording.sources.here(), name)
    title, shown = construct._title(), read.printable(name)
    others = [kind for kind, cls in KINDS.items() if getattr(getattr(cls, name, None), "is_verb", False)]
    known = [item for item in dir(type(construct)) if not item.startswith("_")]
    verbs = [item for item in known if getattr(getattr(type(construct), item), "is_verb", False)]
    outputs = construct._output_names()
    groups = (("verb", verbs), ("output", outputs))
    notes = [f"the {what}s of {construct.KIND}: {', '.join(names)}" for what, names in groups if names]
    recording.report.error(
        "unknown-attribute",
        f"{title} has no `{shown}`",
        at,
        notes=[f"`{name}` is a verb of {' and '.join(others)}", *notes] if others else notes,
        helps=[_instead(name, known, others)],
    )
    return ABSENT


def _instead(name: str, known: list[str], others: list[str]) -> str:
    hint = None if others else did_you_mean(name, known)
    return hint or ("leave it out" if others else "use one of those, or leave it out")


def _complain_assignment(construct: Construct, name: str) -> None:
    recording = current()
    names = Signature.of(type(construct).__init__).names
    shown, title = read.printable(name), construct._title()
    if name in names:
        message = f"`{shown}` of {title} can't be changed after it was made"
        help_text = f"give it where the construct is made: `{construct.KIND}(…, {name}=…)`"
    else:
        message = f"{title} has no `{shown}` that could be set"
        help_text = did_you_mean(name, names) or f"what it takes, it takes where it is made: {one_of(names)}"
    recording.report.error("not-assignable", message, recording.sources.here(), helps=[help_text])
