"""The commands as Click has them, made from their declarations in `app`.

Making all of them takes a tenth of a second, most of it reading the types of options: where the first word names a
command, only that one is made. What is shown of several commands, and what names none, needs all.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import typer

from klotho.cli.app import app


def command_line(arguments: list[str]) -> Any:
    """A Click command for these arguments."""
    return _only(arguments[0]) if arguments and arguments[0] in _named() else every_command()


@cache
def every_command() -> Any:
    return typer.main.get_command(app)


@cache
def _named() -> dict[str, Any]:
    """The declaration of each command and group by its name; groups without one only say where commands are written."""
    found: dict[str, Any] = {}
    unnamed = [item.typer_instance for item in app.registered_groups if not isinstance(item.name, str)]
    for source in (app, *(item for item in unnamed if item is not None)):
        for command in source.registered_commands:
            assert command.callback is not None
            found[command.name or typer.main.get_command_name(command.callback.__name__)] = command
        found |= {item.name: item for item in source.registered_groups if isinstance(item.name, str)}
    return found


@cache
def _only(name: str) -> Any:
    alone, declared = copy.copy(app), _named()[name]
    is_group = isinstance(declared, typer.models.TyperInfo)
    alone.registered_commands = [] if is_group else [declared]
    alone.registered_groups = [declared] if is_group else []
    return typer.main.get_command(alone)
