"""What a program raised, as diagnostics: the user's own lines, and no traceback.

Input: an exception that left the program; output: one diagnostic with the user's line and how it got there.
"""

from __future__ import annotations

import sys
from types import TracebackType

from klotho.diagnostics import Label, Span, did_you_mean
from klotho.sdk.readers import printable
from klotho.sdk.recording import Recording
from klotho.sdk.source import is_klothos, is_users

_FRAMES_SHOWN = 3


def report_syntax_error(recording: Recording, error: SyntaxError, start: Span) -> None:
    """A SyntaxError of the program or of a module it imports, at its line and columns."""
    file = recording.sources.name(error.filename) if error.filename else start.file
    line, column = error.lineno or 1, max(error.offset or 1, 1)
    end = error.end_offset if error.end_lineno == error.lineno else None
    at = Span(file, max(line, 1), column, max(line, 1), end if end and end > column else column + 1)
    message = _clean(error.msg or "invalid syntax")
    helps = ["correct it here or just before: Python notices an open bracket or quote only later"]
    recording.report.error("program-syntax", f"`{printable(file)}` is no Python: {message}", at, helps=helps)


def report_exit(recording: Recording, stop: SystemExit) -> None:
    trace = _user_trace(recording, stop.__traceback__)
    said = "" if stop.code in (None, 0) else _message(stop)
    recording.report.error(
        "program-exited",
        f"the program ended itself{f': {said}' if said else ''}",
        trace[-1] if trace else _somewhere(recording),
        notes=["the rest of the program was not read, and what is not read would be removed by the next `klotho up`"],
        helps=["remove the exit, so that the program runs to its end"],
    )


def report_exception(recording: Recording, error: BaseException) -> None:
    """Any other exception: named, at the deepest line of the user's."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        report_syntax_error(recording, error, _somewhere(recording))
        return
    trace = _user_trace(recording, error.__traceback__)
    at = trace[-1] if trace else _somewhere(recording)
    if isinstance(error, ModuleNotFoundError) and error.name:
        _report_missing_module(recording, error.name, at)
        return
    said = _message(error)
    kind = printable(type(error).__name__)
    outer = list(dict.fromkeys(span for span in reversed(trace[:-1]) if span != at))
    notes = [f"{len(outer) - _FRAMES_SHOWN} more calls led there"] if len(outer) > _FRAMES_SHOWN else []
    notes += _raised_inside(error.__traceback__)
    if error.__cause__ is not None:
        cause = error.__cause__
        notes.append(f"because of {printable(type(cause).__name__)}: {_message(cause)}")
    recording.report.error(
        "program-raised",
        f"the program raised {kind}{f': {said}' if said else ''}",
        at,
        also=[Label(span, "called from here") for span in outer[:_FRAMES_SHOWN]],
        notes=notes,
        helps=["it stopped there; what comes after was not read"],
    )


def _report_missing_module(recording: Recording, name: str, at: Span) -> None:
    top = name.partition(".")[0]
    local = [item.stem for item in sorted(recording.sources.root.glob("*.py")) if item.stem.isidentifier()]
    hint = did_you_mean(top, [*local, *sys.stdlib_module_names, "klotho"]) if top != "klotho" else None
    recording.report.error(
        "missing-module",
        f"there is no module `{printable(name)}`",
        at,
        helps=[hint, "install the package that has it where klotho is installed, or put the file beside the program"],
    )


def _user_trace(recording: Recording, trace: TracebackType | None) -> list[Span]:
    """The user's frames, outermost first."""
    spans: list[Span] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if is_users(code.co_filename):
            spans.append(recording.sources.at(code, trace.tb_lasti, trace.tb_lineno or 1))
        trace = trace.tb_next
    return spans


def _raised_inside(trace: TracebackType | None) -> list[str]:
    """Names the library that raised, where it was not the user's own line."""
    deepest = None
    while trace is not None:
        deepest, trace = trace.tb_frame, trace.tb_next
    if deepest is None or is_users(deepest.f_code.co_filename):
        return []
    if is_klothos(deepest.f_code.co_filename) and not deepest.f_code.co_filename.endswith("program.py"):
        return ["this came out of Klotho itself; please report it with the program"]
    module = deepest.f_globals.get("__name__")
    return [f"raised inside `{printable(str(module))}`"] if module and not str(module).startswith("klotho") else []


def _somewhere(recording: Recording) -> Span:
    """The program's first line, where no line of the user's was running."""
    main = sys.modules.get("__main__")
    return Span(recording.sources.name(str(getattr(main, "__file__", "infra.py"))), 1)


def _message(error: BaseException) -> str:
    try:
        return _clean(str(error))
    except Exception as problem:  # its own __str__ raised
        return f"(its message can't be read: {type(problem).__name__})"


def _clean(text: str) -> str:
    """The first line, nothing a terminal would obey, at most 300 characters."""
    lines = text.strip().splitlines()
    first = lines[0] if lines else ""
    first = first if len(first) <= 300 else first[:299] + "…"
    return first if first.isprintable() else first.encode("unicode_escape").decode("ascii")
