"""Names a program asks for that are not there: offered the nearest.

Input: a name and where it was looked up; output: a value that absorbs what is done with it, and a diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from klotho.diagnostics import did_you_mean, nearest, one_of
from klotho.sdk.absent import ABSENT
from klotho.sdk.readers import printable
from klotho.sdk.recording import RaisingReport, active, current, is_script

if TYPE_CHECKING:
    from klotho.sdk.recording import Recording

NOW: dict[str, tuple[str, ...]] = {
    "API": (),
    "Annotated": (),
    "Application": (),
    "Auth": ("OIDC", "UserPool"),
    "Compute": ("Container", "Function"),
    "Databases": ("KeyValue", "MySQL", "Postgres", "Redis"),
    "Domain": (),
    "Existing": (),
    "Messaging": ("Queue", "Topic"),
    "Network": (),
    "Schedule": (),
    "Secret": (),
    "Site": (),
    "Stack": (),
    "Storage": ("Bucket",),
    "config": (),
}
"""What klotho has, with the constructs of each namespace."""


class Namespace(type):
    """The class of `Compute` and `Databases`: a name that is not there is a diagnostic."""

    if not TYPE_CHECKING:  # type checkers must go on refusing names that do not exist

        def __getattr__(cls, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            return unknown_kind(cls.__name__, name)

        def __call__(cls, /, *args: object, **kwargs: object) -> Any:
            recording = current()
            examples = [f"`{cls.__name__}.{name}(…)`" for name in NOW[cls.__name__]]
            recording.report.error(
                "unknown-kind",
                f"`{cls.__name__}` is no construct, it holds some",
                recording.sources.here(),
                helps=[f"make one of them: {' or '.join(examples)}"],
            )
            return ABSENT


def other_name(name: str) -> Any:
    """For `klotho.<name>` where klotho has no such name.

    While a program runs it is reported and absorbed; elsewhere it is Python's own AttributeError, because submodules
    are found that way and tools probe modules for names.
    """
    if _is_submodule(name):
        raise AttributeError(f"module 'klotho' has no attribute {name!r} yet")
    recording = active()
    if (recording is None or isinstance(recording.report, RaisingReport)) and not is_script():
        hint = did_you_mean(name, NOW)
        raise AttributeError(f"module 'klotho' has no attribute {name!r}" + (f": {hint}" if hint else ""))
    return _unknown_import(name, current())


def _unknown_import(name: str, recording: Recording) -> Any:
    span = recording.sources.here()
    # `from klotho import X` asks twice for X: once to see whether it is a submodule.
    place = (span.file, span.line, name) if span else ("", 0, name)
    if place in recording.reported_names:
        return ABSENT
    recording.reported_names.add(place)
    at = recording.sources.imported(span, name)
    if at == span:
        at = recording.sources.attribute(span, name)
    _report_unknown(recording, "klotho", name, at)
    return ABSENT


def unknown_kind(namespace: str, name: str) -> Any:
    """For `Compute.<name>` where there is no such construct."""
    recording = current()
    at = recording.sources.attribute(recording.sources.here(), name)
    _report_unknown(recording, namespace, name, at)
    return ABSENT


def _report_unknown(recording: Recording, place: str, name: str, at: Any) -> None:
    inside = NOW.get(place, ())
    if place == "klotho":
        hint = did_you_mean(name, NOW) if _named_alike(name) is None else None
        known = [item for item in NOW if item != "config"]
    else:
        hint, known = did_you_mean(name, inside), list(inside)
    recording.report.error(
        "unknown-kind",
        f"{place} has no `{printable(name)}`",
        at,
        notes=[f"{place} has {one_of(known)}"] if known else [],
        helps=[hint or _alike(name)],
    )


def _alike(name: str) -> str:
    """What comes nearest elsewhere."""
    full = _named_alike(name)
    return f"did you mean `{full}`?" if full else "use one of those, or leave it out"


def _named_alike(name: str) -> str | None:
    """`Compute.Container` for `Container` or `Contaner`: the last part alone decides."""
    full = [f"{space}.{item}" for space, items in NOW.items() for item in items]
    found = nearest(name, [item.partition(".")[2] for item in full])
    return next((item for item in full if found and item.endswith(f".{found[0]}")), None)


class Refusing:
    """For what a program makes that is no construct: unknown attributes and assignments are diagnostics."""

    _spoken: str
    """How messages name it."""

    if not TYPE_CHECKING:  # type checkers must go on refusing attributes that do not exist

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            return unknown_attribute(self._spoken, name, [item for item in dir(type(self)) if item[0] != "_"])

        def __setattr__(self, name: str, value: object) -> None:
            if name.startswith("_"):
                object.__setattr__(self, name, value)
                return
            recording = current()
            recording.report.error(
                "not-assignable",
                f"`{printable(name)}` of {self._spoken} can't be changed after it was made",
                recording.sources.here(),
                helps=["give it where it is made"],
            )


def unknown_attribute(title: str, name: str, known: Iterable[str]) -> Any:
    """For an attribute that something other than a construct does not have."""
    recording, known = current(), list(known)
    recording.report.error(
        "unknown-attribute",
        f"{title} has no `{printable(name)}`",
        recording.sources.attribute(recording.sources.here(), name),
        notes=[f"it has {one_of(known)}"] if known else [],
        helps=[did_you_mean(name, known) or "use one of those, or leave it out"],
    )
    return ABSENT


def _is_submodule(name: str) -> bool:
    from importlib.util import find_spec

    return name.isidentifier() and find_spec(f"klotho.{name}") is not None
