"""Runs one command and turns whatever happens into output and an exit code.

Input: the arguments after `klotho`. Output: an exit code. What a command raises is shown here and nowhere else:
mistakes of the program, failures of the world, wrong usage, Ctrl-C, and bugs of ours (with a log file, no traceback).
"""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from klotho.cli import asked_for, underway
from klotho.cli.streams import StdoutError, flush_data, open_missing, write_data, write_note
from klotho.diagnostics import ExitCode, Failure, ProgramError, one_of
from klotho.driver import silence

_INTERRUPTED = 130
"""What Typer makes of Ctrl-C: 128 and the signal's number."""
_OF_FILES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO)
"""Errors that are about a file even when the system names none: it was opened already."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    no_stdout = open_missing()
    underway.reset()
    words = list(arguments)
    asked_for.remember(words)
    silence.listen(lambda line: write_note(f"{line}\n"))
    elsewhere = asked_for.environment()
    try:
        with silence.broken(f"looking at {elsewhere}" if elsewhere else None):
            code = _guarded(words)
        flush_data()
    except StdoutError as error:
        # The reader (`| head`) has gone, which is no error; a full disk is one.
        return ExitCode.OK if error.reader_has_gone else ExitCode.ERROR
    return code or (ExitCode.ERROR if no_stdout else ExitCode.OK)


def _guarded(arguments: list[str]) -> int:
    as_json = _wants_json(arguments)
    try:
        return _command(arguments or ["--help"])
    except ProgramError as error:
        return _show(error.diagnostics, error.exit_code, as_json)
    except Failure as failure:
        return _show([failure.diagnostic], failure.exit_code, as_json)
    except KeyboardInterrupt:
        return _cancelled(as_json)
    except StdoutError:
        raise
    except OSError as error:
        flush_data()  # it may be stdout that refuses, where Typer writes a help
        if error.errno is None or (error.filename is None and error.errno not in _OF_FILES):
            return _bug(error, arguments, as_json)
        return _show([_refused_file(error)], ExitCode.ERROR, as_json)
    except Exception as error:
        return _bug(error, arguments, as_json)


def _wants_json(arguments: list[str]) -> bool:
    """What follows two dashes is for another program (`klotho exec orders -- aws … --json`)."""
    return "--json" in asked_for.own_words(arguments)


def _command(arguments: list[str]) -> int:
    import typer

    from klotho.cli.command_line import command_line

    as_json = _wants_json(arguments)
    # BadParameter's base is UsageError, in the Click that this Typer uses (its own copy in newer releases).
    usage_error: Any = typer.BadParameter.__bases__[0]
    try:
        result = command_line(arguments).main(arguments, prog_name="klotho", standalone_mode=False)
    except usage_error as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # `klotho env`, as `klotho` alone
            write_data(f"{error.ctx.get_help()}\n")
            return ExitCode.OK
        return _usage(error, as_json, arguments)
    except typer.Abort:
        return _cancelled(as_json)
    if result == _INTERRUPTED:
        return _cancelled(as_json)
    return int(result or 0)


def _usage(error: Any, as_json: bool, arguments: list[str]) -> int:
    """Wrong usage in the same shape as any other diagnostic."""
    message, helps = str(error.format_message()).strip(), []
    for marker in (" Did you mean ", "Did you mean ", "\n\nDid you mean "):
        if marker in message:
            message, _, meant = message.partition(marker)
            meant = meant.strip().rstrip("?").replace("'", "`")
            helps.append(f"did you mean {meant}?" if "`" in meant else f"did you mean `{meant}`?")
            break
    if "(Possible options: " in message:
        message, _, options = message.partition("(Possible options: ")
        helps.append(f"did you mean {one_of(options.rstrip(') ').split(', '))}?".replace(" and ", " or "))
    message = message.strip().rstrip(".").replace("'", "`")
    path = error.ctx.command_path if getattr(error, "ctx", None) else _command_path(arguments)
    if arguments and message.startswith("No such command") and Path(arguments[0]).is_dir():
        folder = shlex.quote(arguments[0])
        helps += [f"see what Klotho makes of the folder: `klotho compile {folder}`", f"deploy it: `klotho up {folder}`"]
    helps.append(f"run `{path} --help`")
    failure = Failure("usage", message[:1].lower() + message[1:], helps=helps, exit_code=ExitCode.USAGE)
    return _show([failure.diagnostic], ExitCode.USAGE, as_json)


def _command_path(arguments: list[str]) -> str:
    """For the mistakes of which Click does not say where they are: `--delete-data` without its value."""
    from klotho.cli.command_line import every_command

    path, commands = "klotho", getattr(every_command(), "commands", {})
    for word in arguments:
        if word not in commands:
            break
        path, commands = f"{path} {word}", getattr(commands[word], "commands", {})
    return path


def _show(diagnostics: Any, code: int, as_json: bool) -> int:
    from klotho.cli.console import Console

    Console(as_json).failed(diagnostics)
    return code


def _refused_file(error: OSError) -> Any:
    """A folder that can't be written, a full disk, a name that is too long: the world's failure, not ours."""
    said = (error.strerror or str(error)).lower()
    return Failure(
        "file-refused",
        f"`{error.filename}`: {said}" if error.filename else f"a file could not be written: {said}",
        helps=(
            "check the path, its permissions and the space on the disk",
            "XDG_STATE_HOME and XDG_CACHE_HOME say where Klotho keeps its own files",
        ),
    ).diagnostic


def _cancelled(as_json: bool) -> int:
    """Ctrl-C: threads that poll the cloud may still be running, so the process ends without joining them."""
    goes_on = "what had begun in the cloud goes on; run the same command again to finish it"
    if as_json:
        _show([Failure("cancelled", "cancelled", notes=(goes_on,) if underway.begun() else ()).diagnostic], 8, True)
    else:
        write_note(f"\ncancelled: {goes_on}\n" if underway.begun() else "\ncancelled\n")
    flush_data()
    import threading

    if threading.active_count() > 1:
        os._exit(ExitCode.CANCELLED)
    return ExitCode.CANCELLED


def _bug(error: Exception, arguments: Sequence[str], as_json: bool) -> int:
    import platform
    import traceback

    from klotho.driver.machine import write_crash_log

    lines = [f"klotho {' '.join(arguments)}", f"python {platform.python_version()} on {platform.platform()}", ""]
    text = "\n".join(lines) + "".join(traceback.format_exception(error))
    path = write_crash_log(text)
    failure = Failure(
        "internal-error",
        f"this is a bug in klotho: {type(error).__name__}: {error}",
        notes=() if path else ("the details could not be kept in a file, so they follow", *text.splitlines()[-12:]),
        helps=(f"report it with the file {path}" if path else "report it with these lines",),
    )
    return _show([failure.diagnostic], ExitCode.ERROR, as_json)
