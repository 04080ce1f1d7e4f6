"""What is wrong, where, why, and what to do next: values, collected, rendered in one place.

Three families, never mixed. A mistake in the user's program is a `Diagnostic` added to a `Report`, so that all of
them are shown at once. A failure of the world (a port in use, a refused call) is a `Failure`, an exception that
carries one diagnostic. A mistake of ours is any other exception.
"""

from klotho.diagnostics.diagnostic import Diagnostic, Failure, Label, ProgramError, Report, Severity, said_once
from klotho.diagnostics.exit_codes import ExitCode
from klotho.diagnostics.machine import render_junit, render_sarif
from klotho.diagnostics.nearest import did_you_mean, meant_or_listed, nearest, one_of
from klotho.diagnostics.render import render_json, render_text
from klotho.diagnostics.span import Span

__all__ = [
    "Diagnostic",
    "ExitCode",
    "Failure",
    "Label",
    "ProgramError",
    "Report",
    "Severity",
    "Span",
    "did_you_mean",
    "meant_or_listed",
    "nearest",
    "one_of",
    "render_json",
    "render_junit",
    "render_sarif",
    "render_text",
    "said_once",
]
