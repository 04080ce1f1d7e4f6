"""`klotho secret set`, `ls` and `rm`.

Input: names on the command line; a value from standard input or a prompt without echo, never from an argument, which
would stay in the shell's history and show in every listing of processes. Output: names and states, never a value.
Refuses a value given as an argument without repeating it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from klotho.cli.commands.program import program_at
from klotho.cli.console import Console
from klotho.cli.progress import progress_for
from klotho.diagnostics import ExitCode, Failure
from klotho.driver import secrets


def set_value(name: str, rest: Sequence[str], path: Path, env: str | None, as_json: bool) -> None:
    console = Console(as_json)
    if rest:
        raise Failure(
            "secret-argument",
            "the value of a secret is not given as an argument",
            notes=("it would stay in the shell's history and show in every listing of processes",),
            helps=(f"run `klotho secret set {name}` and type it, or pipe it: `klotho secret set {name} < file`",),
            exit_code=ExitCode.USAGE,
        )
    program = program_at(path, f"klotho secret set {name} --program")
    value = _value(console, name)
    with progress_for(console) as sink:
        secrets.set_secret(program, env, name, value, sink)
    if as_json:
        console.json({"ok": True, "secret": name, "set": True})
    else:
        when = "code that asks for it has it within five minutes, a variable of the environment when a process begins"
        console.note(f"set {name}; {when}")


def list_all(path: Path, env: str | None, as_json: bool) -> None:
    console = Console(as_json)
    program = program_at(path, "klotho secret ls --program")
    with progress_for(console) as sink:
        found = secrets.list_secrets(program, env, sink)
    if as_json:
        listed = [
            {
                "name": item.name,
                "deployed": item.deployed,
                "set": item.is_set,
                "changed": item.changed.isoformat() if item.changed else None,
            }
            for item in found
        ]
        console.json({"ok": True, "secrets": listed})
    else:
        console.table((item.name, _spoken(item), _time(item)) for item in found)
        if not found:
            console.note("the program has no secrets: `klotho.Secret(name)` makes one")


def remove(name: str, path: Path, env: str | None, yes: bool, as_json: bool) -> None:
    console = Console(as_json)
    program = program_at(path, f"klotho secret rm {name} --program")
    if not yes:
        _consent(console, name)
    with progress_for(console) as sink:
        secrets.remove_secret(program, env, name, sink)
    if as_json:
        console.json({"ok": True, "secret": name, "set": False})
    else:
        console.note(f"removed the value of {name}; the secret itself is part of the program and stays, empty")


def _value(console: Console, name: str) -> str:
    """From a pipe as it is, without the one line break that `echo` and editors add; from a person without echo."""
    if not sys.stdin.isatty():
        try:
            text = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError:
            text = None
        if text is None:  # raised here: the decoding error holds the bytes
            raise Failure(
                "secret-value", f"the value given for `{name}` is not UTF-8 text", helps=("encode it as base64",)
            )
        return text.removesuffix("\n").removesuffix("\r")
    if console.as_json:
        raise Failure(
            "secret-value",
            f"no value was given for `{name}`",
            notes=("with `--json` nothing is asked",),
            helps=(f"pipe it: `klotho secret set {name} --json < file`",),
            exit_code=ExitCode.USAGE,
        )
    from getpass import getpass

    return getpass(f"Value of {name} (not shown): ")


def _consent(console: Console, name: str) -> None:
    if not console.interactive:
        raise Failure(
            "consent-needed",
            "removing a secret's value needs consent",
            helps=("add `--yes` to remove it without being asked",),
            exit_code=ExitCode.USAGE,
        )
    sys.stderr.write(f"This removes the value of {name} for good. Type {name} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise Failure("cancelled", "nothing was removed", exit_code=ExitCode.CANCELLED)


def _spoken(item: secrets.SecretState) -> str:
    if not item.deployed:
        return "not deployed"
    return "set" if item.is_set else f"not set: `klotho secret set {item.name}`"


def _time(item: secrets.SecretState) -> str:
    return item.changed.strftime("%Y-%m-%d %H:%M:%S %Z") if item.changed else ""
