"""The environment as the person named it, so that the commands a message advises lead to the same one.

Input: the arguments of the command, then texts that advise commands. Output: the texts with ` --env NAME` in them.
Those who write the texts, such as the deployer, know the environment but not whether it had to be named. Refuses
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from klotho.diagnostics import Diagnostic

# fmt: off
_OF_ENVIRONMENTS = (
    "bootstrap", "build", "check", "deploy", "destroy", "dev", "diff", "doctor", "down",
    "drift", "exec", "explain", "graph", "history", "logs", "outputs", "permissions", "plan",
    "preview", "project", "rollback", "secret", "shell", "status", "tunnel", "unlock",
    "up", "whoami",
)
# fmt: on
"""Commands to which `--env` says where to act; of `config` and `ci init` it says something else."""
_ADVISED = re.compile(rf"`(klotho (?:{'|'.join(_OF_ENVIRONMENTS)})\b[^`]*)`")

_name: str | None = None


def own_words(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments that are Klotho's: those before two dashes."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def remember(arguments: Sequence[str]) -> None:
    """A new command starts."""
    global _name
    _name = _named(own_words(arguments)) if arguments and arguments[0] in _OF_ENVIRONMENTS else None


def environment() -> str | None:
    """The one that was named, unless it is the one on this machine that is always there."""
    return None if _name in (None, "local") else _name


def there(text: str) -> str:
    """The text, whose commands name the environment."""
    return text if _name is None or "`klotho " not in text else _ADVISED.sub(_with_environment, text)


def advice(item: Diagnostic) -> Diagnostic:
    """The diagnostic, whose helps name the environment."""
    return item if _name is None else replace(item, helps=tuple(there(text) for text in item.helps))


def _named(words: Sequence[str]) -> str | None:
    for word, following in zip(words, (*words[1:], None), strict=True):
        if word in ("--env", "-e"):
            return following
        if word.startswith("--env="):
            return word.removeprefix("--env=")
    return None


def _with_environment(found: re.Match[str]) -> str:
    command, dashes, rest = found[1].partition(" -- ")
    return found[0] if "--env" in command else f"`{command} --env {_name}{dashes}{rest}`"
