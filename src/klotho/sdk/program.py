"""Runs a program (`infra.py`) and collects what it says.

Input: the path of a program; output: the Application, or None where nothing came of it, and a report with every
mistake found. Refuses nothing by raising: only KeyboardInterrupt passes through.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

from klotho.application import Application, Construct, validate
from klotho.diagnostics import Label, Report, Span
from klotho.sdk import failures
from klotho.sdk.recording import Recording, activate
from klotho.sdk.source import Sources


class Ran(NamedTuple):
    """What a program said."""

    application: Application | None
    """None where nothing came of it."""
    report: Report
    annotated: tuple[Construct, ...] | None = None
    """What it asks of the annotated code beside it, which is then to be joined before anything is valid; None where it
    does not take that in."""
    annotated_at: Span | None = None
    """Where it takes that in."""


def run(path: Path) -> tuple[Application | None, Report]:
    """As `execute`, of a program that takes in no annotated code."""
    ran = execute(path)
    return ran.application, ran.report


def execute(path: Path) -> Ran:
    """Execute the program in this process, as `python infra.py` would, and validate what it describes.

    Its folder is on `sys.path`, `__name__` is `"__main__"`, its standard output goes to standard error, and modules
    it loads from its folder are forgotten afterwards, so that the next run sees edits. The Application may be
    incomplete when the report has errors.
    """
    path = path.absolute()
    recording = Recording(Sources(path.parent))
    code = _compile(path, recording)
    if code is None:
        return Ran(None, recording.report)
    before = activate(recording)
    try:
        with _as_main(path) as module:
            finished = _execute(code, module, recording)
    finally:
        activate(before)
    application = conclude(recording, path, finished)
    asked = None if recording.annotated is None else tuple(recording.annotated)
    return Ran(application, recording.report, asked, recording.annotated_at)


def conclude(recording: Recording, path: Path, finished: bool = True) -> Application | None:
    """The Application at the end of a program, validated; None where there is nothing to go on with."""
    report = recording.report
    _check_heading(recording, path, finished)
    application = recording.model(path.parent.name)
    if recording.annotated is not None:
        return application
    if recording.constructs or not report.errors:
        validate(application, report)
    return application if application.constructs else None


def _check_heading(recording: Recording, path: Path, finished: bool) -> None:
    early, heading = recording.early, recording.heading_span
    if early is not None and heading is None and finished:
        recording.report.error(
            "no-application",
            "this program names no Application",
            early,
            text="made without one",
            helps=[f'add `klotho.Application("{_suggested_name(path)}")` above it'],
        )
    elif early is not None and heading is not None:
        recording.report.error(
            "no-application",
            "a construct is made before the Application",
            early,
            text="made before it",
            also=[Label(heading, "the Application")],
            helps=["move `klotho.Application(…)` to the top of the program"],
        )


def _suggested_name(path: Path) -> str:
    from klotho.application.validation import NAME

    return path.parent.name if NAME.fullmatch(path.parent.name) else "shop"


def _compile(path: Path, recording: Recording) -> CodeType | None:
    """The program's code; reports a file that is not there or is no Python."""
    start = Span(path.name, 1)
    try:
        source = path.read_bytes()
    except OSError as error:
        recording.report.error(
            "program-missing",
            f"`{path.name}` can't be read: {(error.strerror or type(error).__name__).lower()}",
            start,
            helps=["write one, or name another: `klotho up path/to/infra.py`"],
        )
        return None
    try:
        return compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        failures.report_syntax_error(recording, error, start)
    except (ValueError, OverflowError) as error:
        helps = ["write it as plain text in UTF-8"]
        recording.report.error("program-syntax", f"`{path.name}` is no Python: {error}", start, helps=helps)
    except (RecursionError, MemoryError):
        message = f"`{path.name}` is nested too deeply for Python to read"
        recording.report.error("program-syntax", message, start, helps=["take the deepest expression apart"])
    return None


def _execute(code: CodeType, module: ModuleType, recording: Recording) -> bool:
    """Whether the program ran to its end; what it raised is reported."""
    try:
        exec(code, module.__dict__)
    except KeyboardInterrupt:
        raise
    except SystemExit as stop:
        # Also a successful one: what was not read would be taken for removed, and the next `up` would delete it.
        failures.report_exit(recording, stop)
        return False
    except BaseException as error:  # also what a program derives from BaseException: it is a mistake in the program
        failures.report_exception(recording, error)
        return False
    return True


@contextlib.contextmanager
def _as_main(path: Path) -> Iterator[ModuleType]:
    """The interpreter as `python infra.py` would find it; restored afterwards."""
    module = ModuleType("__main__")
    module.__dict__.update(__file__=str(path), __builtins__=__builtins__)
    known = set(sys.modules)
    main, arguments, paths = sys.modules.get("__main__"), sys.argv, list(sys.path)
    unwritten, folder, limit = sys.dont_write_bytecode, _folder(), sys.getrecursionlimit()
    # Written bytecode is found stale only by whole seconds, so an edit right after a run could be missed.
    sys.dont_write_bytecode = True
    sys.modules["__main__"], sys.argv = module, [str(path)]
    sys.path.insert(0, str(path.parent))
    importlib.invalidate_caches()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield module
    finally:
        sys.argv, sys.path[:], sys.dont_write_bytecode = arguments, paths, unwritten
        sys.setrecursionlimit(limit)
        if main is not None:
            sys.modules["__main__"] = main
        _forget(path.parent, known)
        if folder is not None and folder != _folder():
            os.chdir(folder)


def _folder() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # the working folder was deleted
        return None


def _forget(root: Path, known: set[str]) -> None:
    """Drop the modules the program loaded from its own folder; installed packages below it stay loaded."""
    for name in [item for item in sys.modules if item not in known and item.partition(".")[0] != "klotho"]:
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        places = [file] if isinstance(file, str) else list(getattr(module, "__path__", None) or ())
        if any(_is_below(str(place), root) for place in places):
            del sys.modules[name]
    for place in [item for item in sys.path_importer_cache if _is_below(item, root)]:
        sys.path_importer_cache.pop(place, None)


def _is_below(place: str, root: Path) -> bool:
    return Path(place).is_relative_to(root) and "site-packages" not in Path(place).parts
