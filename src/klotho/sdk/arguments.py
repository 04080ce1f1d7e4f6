"""Binds the arguments of a call and reports everything that is wrong with them, instead of raising at the first.

Input: a signature, readers for its parameters, and what the user passed; output: `Arguments` with the values that were
right, as plain JSON. Refuses unknown, missing, repeated and surplus arguments, and values of a wrong type.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.application import OutputRef, references
from klotho.diagnostics import Label, Span, did_you_mean, nearest, one_of
from klotho.sdk.absent import Absent
from klotho.sdk.output import is_secret
from klotho.sdk.readers import Reader, Wrong, json_value, printable, shown
from klotho.sdk.recording import Recording


@dataclass(frozen=True)
class Signature:
    """The parameters of a callable, without `self`."""

    positional: tuple[str, ...]
    required: tuple[str, ...]
    names: tuple[str, ...]
    free: bool
    """Whether further keywords are taken, as plain JSON."""

    @classmethod
    @functools.cache
    def of(cls, function: Callable[..., Any]) -> Signature:
        parameters = list(inspect.signature(function).parameters.values())[1:]
        named = [item for item in parameters if item.kind is not inspect.Parameter.VAR_KEYWORD]
        return cls(
            positional=tuple(item.name for item in named if item.kind is not inspect.Parameter.KEYWORD_ONLY),
            required=tuple(item.name for item in named if item.default is inspect.Parameter.empty),
            names=tuple(item.name for item in named),
            free=len(named) < len(parameters),
        )


class Arguments:
    """The arguments of one call, as far as they were right."""

    def __init__(self, recording: Recording, title: str, span: Span | None) -> None:
        self.recording = recording
        self.title = title
        """How messages name what was called: `Compute.Container`, `calls`."""
        self.span = span
        self.values: dict[str, Any] = {}
        """What was given and right, in the order of the signature; None counts as not given."""
        self.given: set[str] = set()
        """What was given, right or wrong: a check that finds something missing asks here."""
        self.complained = False
        self.raw_name: object = None
        """What was given as the name, right or wrong."""
        self.unread: set[str] = set()
        """Arguments that were wrong, which is reported."""
        self.unsettled = False
        """Whether a mistake of the whole call was reported: what was not given may have been meant."""
        self._doubtful = False
        self._index: dict[str, int] = {}

    def complain(
        self,
        code: str,
        message: str,
        argument: str | None = None,
        *,
        key: object = None,
        at_key: bool = False,
        also: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        helps: tuple[str | None, ...] = (),
    ) -> None:
        """Report a mistake at an argument, at one item of a mapping given for it, or at the whole call."""
        at = self.span if argument is None else self.place(argument, key, at_key)
        self.complained = True
        if argument is None:
            self.unsettled = True
        else:
            self.unread.add(argument)
        self.recording.report.error(code, message, at, also=also, notes=notes, helps=helps)

    def lacks(self, *names: str) -> bool:
        """Whether none of these was given, and no argument is known to be a misspelt or misplaced one."""
        return not self._doubtful and not self.given & set(names)

    def place(self, argument: str, key: object = None, at_key: bool = False) -> Span | None:
        """Where an argument was written, or the value of one key of a mapping given for it, or the key itself."""
        return self.recording.sources.argument(self.span, argument, self._index.get(argument), key, at_key)

    def name_place(self, argument: str, key: str | None = None) -> Span | None:
        """Where an argument was written, or the name of one item of a mapping given for it."""
        return self.place(argument, key, at_key=True)

    def read_again(self, name: str, reader: Reader) -> None:
        """Read a value that was taken as plain JSON once more, as what it is now known to be."""
        _read(self, name, self.values.pop(name), reader)

    def reported(self, names: tuple[str, ...]) -> frozenset[str]:
        """Of these parameters those that later checks must leave alone, because their mistakes are reported."""
        return frozenset(self.unread | {name for name in names if self.unsettled and name not in self.values})

    def drop(self, argument: str) -> None:
        self.values.pop(argument, None)

    def missing(self, argument: str, help_text: str | None = None) -> None:
        self.complained = True
        self.unread.add(argument)
        message = f"{self.title} needs `{argument}=`"
        self.recording.report.error("missing-argument", message, self.span, helps=[help_text])


def bind(
    arguments: Arguments,
    signature: Signature,
    readers: Mapping[str, Reader],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """Fill `arguments` with everything readable; returns the raw values of named parameters that have no reader."""
    raw = _match(arguments, signature, args, kwargs)
    unread: dict[str, Any] = {}
    for name in (*signature.names, *sorted(set(raw) - set(signature.names))):
        if name not in raw:
            continue
        value = raw[name]
        if value is None and name not in signature.required:
            continue
        arguments.given.add(name)
        if name == "name":
            arguments.raw_name = value
        if isinstance(value, Absent):
            arguments.unread.add(name)
            continue
        reader = readers.get(name) or (None if name in signature.names else json_value)
        if value is None and reader is not None:
            message = f"`{name}` of {arguments.title} can't be None"
            arguments.complain("wrong-argument", message, name, helps=(_example(arguments, name),))
        elif reader is None:
            unread[name] = value
        else:
            _read(arguments, name, value, reader)
    return unread


def _match(
    arguments: Arguments, signature: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The raw value of each parameter, reporting those that fit none."""
    raw: dict[str, Any] = dict(zip(signature.positional, args, strict=False))
    arguments._index.update({name: index for index, name in enumerate(raw)})
    if len(args) > len(signature.positional):
        _complain_surplus(arguments, signature, len(args))
    meant: set[str] = set()
    for name, value in kwargs.items():
        if name in raw:
            message = f"`{name}` of {arguments.title} is given twice"
            arguments.complain("extra-argument", message, name, helps=("leave one of the two out",))
        elif name in signature.names or (signature.free and name.isidentifier()):
            raw[name] = value
        else:
            meant.update(nearest(name, signature.names))
            _complain_unknown(arguments, signature, name)
    for name in signature.required:
        # A misspelt name is reported above; that it is missing as well would be the same mistake said twice.
        if name not in raw and name not in meant:
            arguments.missing(name, _example(arguments, name))
    return raw


_EXAMPLES = {
    "name": 'give one, for example `{}("orders", …)`',
    "target": "give the construct it is about, for example `service.{}(orders_db)`",
    "service": 'give the service that answers, for example `api.{}(orders, route="/orders")`',
    "auth": "say who, for example `api.{}(Auth.OIDC(issuer=…, audience=…))`",
    "implementation": 'name one, for example `orders.{}("fargate", cpu=512)`',
    "resource_type": 'for example `orders_db.{}("AWS::RDS::DBInstance", {{"MultiAZ": True}})`',
    "properties": 'for example `orders_db.{}("AWS::RDS::DBInstance", {{"MultiAZ": True}})`',
}
"""How to give what is missing; the braces stand for what was called."""
_PLAIN = "give a plain value: text, a number, True, False, a list or a mapping"


def _example(arguments: Arguments, name: str) -> str | None:
    example = _EXAMPLES.get(name)
    return example and example.format(arguments.title.strip("`"))


def _complain_surplus(arguments: Arguments, signature: Signature, found: int) -> None:
    arguments._doubtful = True
    count = len(signature.positional)
    named = [name for name in signature.names if name not in signature.positional]
    arguments.complain(
        "extra-argument",
        f"{arguments.title} takes {count or 'no'} argument{'' if count == 1 else 's'} by position, not {found}",
        helps=(f"give the others by name, for example `{named[0]}=…`" if named else "leave the rest out",),
    )


def _complain_unknown(arguments: Arguments, signature: Signature, name: str) -> None:
    arguments._doubtful = arguments.complained = True
    meant = nearest(name, signature.names)
    arguments.unread.update(meant)
    arguments.unsettled |= not meant
    arguments.recording.report.error(
        "unknown-argument",
        f"{arguments.title} has no argument `{printable(name)}`",
        arguments.recording.sources.keyword(arguments.span, name),
        notes=[f"it takes {one_of(signature.names)}" if signature.names else "it takes no arguments"],
        helps=[did_you_mean(name, signature.names)],
    )


def _read(arguments: Arguments, name: str, value: Any, reader: Reader) -> None:
    label = f"`{printable(name)}"
    try:
        read = reader(value)
    except Wrong as wrong:
        for problem in wrong.problems:
            found = "" if problem.found is None else f", not {problem.found}"
            message = f"{label}{problem.where}` of {arguments.title} must be {problem.expected}{found}"
            arguments.complain(problem.code, message, name, key=problem.key, at_key=problem.at_key, helps=problem.helps)
        if not _complain_secrets(arguments, name, value) and wrong.partial is not None:
            arguments.values[name] = wrong.partial
    except Exception as error:  # the value's own methods raised; the program goes on
        raised = f"{shown(value)} raised {printable(type(error).__name__)}"
        arguments.complain(
            "wrong-argument", f"{label}` of {arguments.title} can't be read: {raised}", name, helps=(_PLAIN,)
        )
    else:
        if not _complain_secrets(arguments, name, read):
            arguments.values[name] = read


def _complain_secrets(arguments: Arguments, argument: str, value: Any) -> bool:
    """Whether secrets were found in the value, read or as it was given."""
    try:
        secrets = [item for item in dict.fromkeys(references(value)) if is_secret(item)]
    except Exception:  # a value that could not be read may hold itself, or raise
        return False
    for secret in secrets:
        items = value.items() if isinstance(value, Mapping) else ()
        holders = [key for key, item in items if secret in references(item)]
        _complain_secret(arguments, argument, secret, str(holders[0]) if holders else None)
    return bool(secrets)


def _complain_secret(arguments: Arguments, argument: str, secret: OutputRef, key: str | None) -> None:
    kind, _, name = secret.construct.partition("/")
    verb, group = ("uses", "secrets") if kind == "Secret" else ("reads_from", "datastores")
    variable = name if name.isidentifier() else "secret" if kind == "Secret" else "database"
    arguments.complain(
        "secret-in-environment",
        f'the {secret.output} of {kind} "{name}" is a secret and can\'t be written into `{printable(argument)}`',
        argument,
        key=key,
        notes=("it would be readable in the template, in the console and in every listing of processes",),
        helps=(
            f"say that the service uses it, for example `service.{verb}({variable})`",
            f'and fetch it in the service: `klotho.config.{group}.get("{name}").{secret.output}`',
        ),
    )
