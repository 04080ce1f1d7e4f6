"""A command made alone is the command as it is among all others."""

from __future__ import annotations

from typing import Any

from klotho.cli.command_line import _named, command_line, every_command


def described(command: Any) -> Any:
    options = [(item.name, item.opts, item.required, item.type.name, item.help) for item in command.params if item.opts]
    return command.name, command.help, options, {name: described(item) for name, item in inside(command).items()}


def inside(command: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(command, "commands", {})
    return found


def test_every_command_is_made_alone_as_among_the_others() -> None:
    everything = inside(every_command())
    assert set(_named()) == set(everything)
    for name, command in everything.items():
        alone = command_line([name, "--json"])
        assert set(inside(alone)) == {name}
        assert described(inside(alone)[name]) == described(command)


def test_what_names_no_command_has_all_of_them() -> None:
    for words in ([], ["--help"], ["-h", "build"], ["bild"], ["--version", "build"]):
        assert command_line(words) is every_command()
