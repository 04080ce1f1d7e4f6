"""A program started as `python infra.py`: says what is wrong with it, and what to run instead.

Input: the recording of the script; output: text on standard error at the end of the process, and exit code 1 when
there are mistakes.
"""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from types import TracebackType

from klotho.diagnostics import render_text
from klotho.sdk import failures, program
from klotho.sdk.recording import Recording


def show_at_exit(recording: Recording, path: Path) -> None:
    """Take over this process's last words."""
    before = sys.excepthook

    def raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            before(kind, error, trace)
            return
        failures.report_exception(recording, error)
        recording.stopped = True

    def finish() -> None:
        program.conclude(recording, path, finished=not recording.stopped)
        found = recording.report.diagnostics
        if found:
            sys.stderr.write(render_text(found, recording.sources.root, sys.stderr.isatty()) + "\n\n")
        if recording.report.errors:
            # Python has settled on its exit code by now; ending the process here is the only way to another one.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
        sys.stderr.write(f"{path.name} describes an application; `klotho up` runs it\n")

    sys.excepthook = raised
    atexit.register(finish)
