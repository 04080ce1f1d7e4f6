"""The standard streams, whatever state they are in: closed by the shell, a full disk, a reader that has gone.

Input: the streams of the process. Output: streams that can be written to, and whether stdout took what was written.
Refuses nothing: text for a stream that is gone is dropped.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TextIO


def open_missing() -> bool:
    """Give a stream that the shell has closed (`>&-`) a place to write to; returns whether stdout was closed."""
    # Python sets a closed stream to None, although the type says otherwise.
    missing: list[bool] = [stream is None for stream in (sys.stdout, sys.stderr)]
    if missing[0]:
        sys.stdout = _nowhere()
    if missing[1]:
        sys.stderr = _nowhere()
    return missing[0]


class StdoutError(Exception):
    """Stdout does not take what is written; from here on it goes nowhere."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.reader_has_gone = isinstance(error, BrokenPipeError)


def write_data(text: str) -> None:
    """Text for stdout, written out at once; StdoutError when it does not take it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _drop(sys.stdout)
        raise StdoutError(error) from error


def flush_data() -> None:
    """Write out what stdout still has; StdoutError when it does not take it."""
    write_data("")


def write_note(text: str) -> None:
    """Text for the person watching. Nobody has to watch: a deployment goes on when the reader has gone."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    """Nothing is written to it again: Python flushes once more when it exits and would complain there."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
