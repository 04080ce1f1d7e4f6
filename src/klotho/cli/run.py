"""Runs one command and turns whatever happens into output and an exit code.

Input: the arguments after `klotho`. Output: an exit code. What a command raises is shown here and nowhere else:
mistakes of the program, failures of the world, wrong usage, Ctrl-C, and bugs of ours (with a log file, no traceback).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from klotho.diagnostics import ExitCode, Failure, ProgramError, one_of

_INTERRUPTED = 130
"""What Typer makes of Ctrl-C: 128 and the signal's number."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    as_json = "--json" in arguments
    try:
        return _command(list(arguments) or ["--help"])
    except ProgramError as error:
        return _show(error.diagnostics, error.exit_code, as_json)
    except Failure as failure:
        return _show([failure.diagnostic], failure.exit_code, as_json)
    except KeyboardInterrupt:
        return _cancelled()
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except OSError as error:
        if error.filename is None:
            return _bug(error, arguments, as_json)
        return _show([_refused_file(error)], ExitCode.ERROR, as_json)
    except Exception as error:
        return _bug(error, arguments, as_json)


def _command(arguments: list[str]) -> int:
    import typer

    from klotho.cli.app import app

    # BadParameter's base is UsageError, in the Click that this Typer uses (its own copy in newer releases).
    usage_error: Any = typer.BadParameter.__bases__[0]
    try:
        result = typer.main.get_command(app).main(arguments, prog_name="klotho", standalone_mode=False)
    except usage_error as error:
        return _usage(error, "--json" in arguments)
    except typer.Abort:
        return _cancelled()
    if result == _INTERRUPTED:
        return _cancelled()
    return int(result or 0)


def _usage(error: Any, as_json: bool) -> int:
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
    path = error.ctx.command_path if getattr(error, "ctx", None) else "klotho"
    helps.append(f"run `{path} --help`")
    failure = Failure("usage", message[:1].lower() + message[1:], helps=helps, exit_code=ExitCode.USAGE)
    return _show([failure.diagnostic], ExitCode.USAGE, as_json)


def _show(diagnostics: Any, code: ExitCode, as_json: bool) -> int:
    from klotho.cli.console import Console

    Console(as_json).failed(diagnostics)
    return code


def _refused_file(error: OSError) -> Any:
    """A folder that can't be written, a full disk, a name that is too long: the world's failure, not ours."""
    said = (error.strerror or str(error)).lower()
    return Failure("file-refused", f"`{error.filename}`: {said}").diagnostic


def _cancelled() -> int:
    """Ctrl-C: threads that poll the cloud may still be running, so the process ends without joining them."""
    print("\ncancelled: what had begun in the cloud goes on; run the same command again to finish it", file=sys.stderr)  # noqa: T201
    sys.stdout.flush()
    sys.stderr.flush()
    import threading

    if threading.active_count() > 1:
        os._exit(ExitCode.CANCELLED)
    return ExitCode.CANCELLED


def _bug(error: Exception, arguments: Sequence[str], as_json: bool) -> int:
    import platform
    import traceback

    from klotho.driver.machine import write_crash_log

    lines = [f"klotho {' '.join(arguments)}", f"python {platform.python_version()} on {platform.platform()}", ""]
    path = write_crash_log("\n".join(lines) + "".join(traceback.format_exception(error)))
    failure = Failure(
        "internal-error",
        f"this is a bug in klotho: {type(error).__name__}: {error}",
        helps=(f"report it with the file {path}",),
    )
    return _show([failure.diagnostic], ExitCode.ERROR, as_json)
