"""The values every stage reports with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from klotho.diagnostics.exit_codes import ExitCode
from klotho.diagnostics.span import Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what to say about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing the user should know.

    Wording: lower-case start, no final stop, the user's names in backticks; `message` says what is, `notes` say why,
    `helps` say what to do, each doable as written.
    """

    code: str
    """A kebab-case name listed in `klotho.diagnostics.codes`."""
    message: str
    labels: tuple[Label, ...] = ()
    """The first is the primary one; the others add context."""
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR
    rule: str | None = None
    """The guardrail's rule that it is about: `acme-platform/no-public-database`."""

    @property
    def span(self) -> Span | None:
        return self.labels[0].span if self.labels else None

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "labels": [{"span": label.span.to_json(), "text": label.text} for label in self.labels],
            "notes": list(self.notes),
            "helps": list(self.helps),
            **({"rule": self.rule} if self.rule is not None else {}),
        }


def said_once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What differs only in further places becomes one with all of them: several units may have the same mistake."""
    found = dict[Diagnostic, dict[Label, None]]()
    for item in diagnostics:
        found.setdefault(replace(item, labels=item.labels[:1]), {}).update(dict.fromkeys(item.labels[1:]))
    return [replace(item, labels=(*item.labels, *further)) for item, further in found.items()]


class Report:
    """Collects diagnostics; the same mistake at the same place is kept once."""

    def __init__(self) -> None:
        self._diagnostics: dict[Diagnostic, None] = {}
        self.error_count = 0

    def add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self._diagnostics and diagnostic.severity is Severity.ERROR:
            self.error_count += 1
        self._diagnostics[diagnostic] = None

    def error(
        self,
        code: str,
        message: str,
        at: Span | None = None,
        *,
        text: str = "",
        also: Iterable[Label] = (),
        notes: Iterable[str] = (),
        helps: Iterable[str | None] = (),
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a diagnostic; empty helps are left out so that `did_you_mean(…)` can be passed as it is."""
        labels = ((Label(at, text),) if at else ()) + tuple(also)
        kept = tuple(line for line in helps if line)
        self.add(Diagnostic(code, message, labels, tuple(notes), kept, severity))

    def warning(self, code: str, message: str, at: Span | None = None, *, helps: Iterable[str | None] = ()) -> None:
        self.error(code, message, at, helps=helps, severity=Severity.WARNING)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything reported, by file and line, then in the order it was found."""
        return sorted(self._diagnostics, key=lambda item: (item.span or Span("", 0))[:3])

    @property
    def errors(self) -> list[Diagnostic]:
        return [item for item in self.diagnostics if item.severity is Severity.ERROR]

    def stop_on_errors(self) -> None:
        """A stage border: raises `ProgramError` with everything known so far if there is an error."""
        if self.errors:
            raise ProgramError(self.diagnostics)


class ProgramError(Exception):
    """The user's program has mistakes; carries all of them."""

    exit_code: ExitCode
    """5 where guardrails alone are in the way, else 1."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        errors = [item for item in self.diagnostics if item.severity is Severity.ERROR]
        guarded = bool(errors) and all(item.rule is not None for item in errors)
        self.exit_code = ExitCode.GUARDRAIL if guarded else ExitCode.ERROR
        super().__init__("; ".join(item.message for item in self.diagnostics))


class Failure(Exception):
    """The world refused something: a port, a process, a call. Carries one diagnostic and the exit code."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        at: Span | None = None,
        notes: Iterable[str] = (),
        helps: Iterable[str | None] = (),
        exit_code: ExitCode = ExitCode.ERROR,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        labels = (Label(at),) if at else ()
        self.diagnostic = Diagnostic(code, message, labels, tuple(notes), tuple(line for line in helps if line))
        self.exit_code = exit_code
        self.data = dict(data or {})
