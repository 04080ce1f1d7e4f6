"""What one run of a program has said so far.

Input: what constructs and verbs record; output: the `Application` model and the report. One recording is active at a
time: the one `program.run` opened, else one for the script or the interpreter that imports klotho by itself.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klotho.application import (
    Application,
    Construct,
    ConstructId,
    Directive,
    Relationship,
    Requirement,
)
from klotho.diagnostics import Diagnostic, Label, ProgramError, Report, Severity, Span
from klotho.sdk.source import Sources, user_frame


@dataclass
class Heading:
    """What `klotho.Application(…)` said."""

    name: str
    project: str
    environment: str | None
    region: str | None
    span: Span | None


@dataclass
class Recording:
    """Everything said, in program order."""

    sources: Sources
    report: Report = field(default_factory=Report)
    heading: Heading | None = None
    heading_span: Span | None = None
    """The first `Application(…)`, also when its arguments were wrong."""
    early: Span | None = None
    """The first construct made before the Application."""
    constructs: list[Construct] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    stacks: list[str] = field(default_factory=list)
    """The `with Stack(…)` blocks around the running line, outermost first."""
    annotated: list[Construct] | None = None
    """What the program asks of the annotated code beside it; None where it does not take that in."""
    annotated_at: Span | None = None
    """Where it takes that in."""
    stopped: bool = False
    """Whether the program raised before its end."""
    reported_names: set[tuple[str, int, str]] = field(default_factory=set)

    def add_heading(self, heading: Heading | None, span: Span | None) -> None:
        """The Application; None when its name was wrong, which is reported already."""
        if self.heading_span is not None:
            self.report.error(
                "two-applications",
                "a program describes one Application, this is the second",
                span,
                text="the second one",
                also=[Label(self.heading_span, "the first one")],
                helps=["keep one of them; several applications of a project are several programs with one `project=`"],
            )
            return
        self.heading, self.heading_span = heading, span or Span("", 0)

    def model(self, fallback_name: str) -> Application:
        """The Application model; `fallback_name` serves where the program's own was wrong or missing."""
        heading = self.heading or Heading(fallback_name, "default", None, None, self.heading_span)
        return Application(
            name=heading.name,
            project=heading.project,
            environment=heading.environment,
            region=heading.region,
            constructs=tuple(self.constructs),
            relationships=tuple(self.relationships),
            requirements=tuple(self.requirements),
            directives=tuple(self.directives),
            span=heading.span,
        )

    def use_of(self, subject: ConstructId) -> Directive | None:
        """An earlier `use` of this construct."""
        return next((item for item in self.directives if item.subject == subject and item.action == "use"), None)


class RaisingReport(Report):
    """For an interpreter prompt or a test that uses the SDK without a program: a mistake is said at once."""

    def add(self, diagnostic: Diagnostic) -> None:
        super().add(diagnostic)
        if diagnostic.severity is Severity.ERROR:
            raise ProgramError([diagnostic])


_active: Recording | None = None


def active() -> Recording | None:
    """The recording that is open, if any."""
    return _active


def current() -> Recording:
    """The open recording; opens one for a script or prompt that Klotho does not run itself."""
    global _active
    if _active is None:
        _active = _own_recording()
    return _active


def activate(recording: Recording | None) -> Recording | None:
    """Make this the open recording; returns the one before, to be restored."""
    global _active
    before, _active = _active, recording
    return before


def is_script() -> bool:
    """Whether the user's running code belongs to a program that was started as `python infra.py`."""
    main = _main_file()
    frame = user_frame()
    if main is None or frame is None:
        return False
    return Path(frame.f_code.co_filename).absolute().is_relative_to(main.parent)


def _own_recording() -> Recording:
    main = _main_file()
    if main is not None and is_script():
        from klotho.sdk import script

        recording = Recording(Sources(main.parent))
        script.show_at_exit(recording, main)
        return recording
    return Recording(Sources(Path.cwd()), RaisingReport())


def _main_file() -> Path | None:
    main: Any = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return Path(file).absolute() if isinstance(file, str) else None
