"""Why a supervisor did not start, in a form both sides understand: `supervisor-failed.json` of the state folder.

Input: the exception that ended the start. Output: `StartupFailure` with a code, a message and what helps, written
atomically by the supervisor and read by `connect`; removed by the next start. Refuses nothing.

Codes: `newer-data`, `damaged-data`, `port-in-use`, `other-region`, `state-folder`, `not-installed`, `start-failed`.
Only the standard library is imported here: the CLI reads this file.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FAILED_FILE = "supervisor-failed.json"


@dataclass(frozen=True, slots=True)
class StartupFailure:
    """One reason in people's words."""

    code: str
    message: str
    helps: tuple[str, ...] = ()
    pid: int = 0
    """Of the supervisor that failed: an older file says nothing of this start."""


# Here and not beside its use: run as a program, the supervisor's own module is another one than the imported.
class OtherRegionError(Exception):
    """The data were made in another region; ARNs would lie."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(f"the data are of region {found}, asked for {wanted}: use {found}, or delete the data first")
        self.found = found


def write(state: Path, failure: StartupFailure) -> None:
    """Leave the reason for whoever started the supervisor; a folder that can't be written keeps the log's word."""
    draft = state / f"{FAILED_FILE}.{os.getpid()}.new"
    with contextlib.suppress(OSError):  # the reason is in the log as well
        draft.write_text(json.dumps(asdict(failure)))
        draft.replace(state / FAILED_FILE)


def read(state: Path, pid: int) -> StartupFailure | None:
    """The reason that the supervisor with this pid left; None when there is none."""
    try:
        found = json.loads((state / FAILED_FILE).read_bytes())
        failure = StartupFailure(
            str(found["code"]), str(found["message"]), tuple(str(line) for line in found["helps"]), int(found["pid"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return failure if failure.pid == pid else None


def clear(state: Path) -> None:
    with contextlib.suppress(OSError):  # nothing to remove, or a folder the start itself will complain about
        (state / FAILED_FILE).unlink(missing_ok=True)


def describe(error: BaseException, state: Path) -> StartupFailure:
    """The reason behind an exception that ended a start."""
    import sqlite3

    from klotho.localcloud.database import DamagedDataError, NewerDataError
    from klotho.localcloud.endpoint import PortInUseError

    delete = "or delete this environment's data with `klotho down --delete-data APPLICATION` and begin anew"
    match error:
        case NewerDataError():
            return _failure("newer-data", str(error), "update Klotho (`pip install -U klotho`)", delete)
        case PortInUseError():
            return _failure("port-in-use", str(error), "end that program, then run the command again")
        case OtherRegionError():
            return _failure("other-region", str(error), f"use region {error.found}", delete)
        case DamagedDataError():
            return _failure("damaged-data", str(error), "put the file back from a backup", delete)
        case sqlite3.OperationalError():
            return _failure("state-folder", f"a database in {state} can't be used: {error}", _writable(state))
        case sqlite3.DatabaseError():
            text = f"a database in {state} is damaged: {error}"
            return _failure("damaged-data", text, "put the file back from a backup", delete)
        case ModuleNotFoundError():
            text = f"the local cloud needs the Python module {error.name}, which is not installed"
            return _failure("not-installed", text, "install it: `pip install 'klotho[local]'`")
        case OSError():
            return _failure("state-folder", f"the local cloud can't use its folder {state}: {error}", _writable(state))
    text = f"the local cloud failed at its start: {type(error).__name__}: {error}"
    return _failure("start-failed", text, f"the whole story is in {state / 'supervisor.log'}")


def _failure(code: str, message: str, *helps: str) -> StartupFailure:
    return StartupFailure(code, message, helps, os.getpid())


def _writable(state: Path) -> str:
    return f"make sure that {state} is a folder you may write to and that its disk has room"
