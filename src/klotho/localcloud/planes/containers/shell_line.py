"""Splits the line of a RUN instruction into plain commands without running a shell.

Input: the text of a shell-form RUN, or the words of an exec form. Output: `Command`s that must run one after another.
Refuses, as `ImageError`: everything that only a shell can do (pipes, redirections, `||`, loops, `$(...)`, globs stay
literal).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from klotho.localcloud.planes.containers.dockerfile import Instruction, expand

CARRIED_HINT = (
    "Klotho makes images without a container engine: RUN carries pip, uv, poetry, npm, pnpm, yarn, go and dotnet, "
    "mkdir, rm, touch and chmod; take a system package as a pip or npm package (psycopg[binary], say), or COPY what "
    "the line would make"
)
"""Said of every line that only a container engine could honour: this version uses none, whether one runs or not."""
STAGES_HINT = "Klotho makes images without a container engine: COPY --from takes earlier stages and uv's own image"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SHELL_WORDS = frozenset(
    [
        "if",
        "then",
        "else",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "{",
        "}",
        "!",
        "function",
        "eval",
        "source",
        ".",
    ]
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command with its working folder's changes (`cd`) and variables resolved."""

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    """Set for this command only (`CI=1 npm ci`)."""
    folder: str | None
    """The folder of the image a `cd` before it led to; None for WORKDIR."""


def commands(instruction: Instruction, variables: Mapping[str, str]) -> list[Command]:
    """The commands of a RUN; `variables`: the image's ENV and ARG."""
    listed = instruction.listed()
    if listed is not None:
        return [Command(tuple(listed), (), None)] if listed else []
    if "$(" in instruction.text or "`" in instruction.text:
        raise instruction.error("substitutes the output of a command, which only a shell can", CARRIED_HINT)
    found: list[Command] = []
    exported: dict[str, str] = {}
    folder: str | None = None
    for words in _split(instruction):
        known = {**variables, **exported}
        own: list[tuple[str, str]] = []
        while words and _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            own.append((name, expand(value, known, instruction)))
        plain = [expand(word, known, instruction) for word in words]
        if not plain:
            exported.update(own)
        elif plain[0] in _SHELL_WORDS:
            raise instruction.error(f"`{plain[0]}` needs a shell", CARRIED_HINT)
        elif plain[0] == "cd" and len(plain) == 2:
            folder = plain[1] if plain[1].startswith("/") or folder is None else f"{folder}/{plain[1]}"
        elif plain[0] == "export":
            exported.update(word.partition("=")[::2] for word in plain[1:])
        elif plain[0] not in ("set", "true", ":"):
            found.append(Command(tuple(plain), (*exported.items(), *own), folder))
    return found


def _split(instruction: Instruction) -> list[list[str]]:
    lexer = shlex.shlex(instruction.text, posix=True, punctuation_chars=True)
    # Everything a word may hold that is no operator; shlex takes far fewer characters by itself.
    lexer.wordchars += "@%+=:,^[]{}$!#\\"
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError as error:
        raise instruction.error(f"can't be read ({error})", "check the quotes") from error
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token in ("&&", ";"):
            parts.append([])
        elif token and set(token) <= set("();<>|&"):
            raise instruction.error(f"`{token}` needs a shell", CARRIED_HINT)
        else:
            parts[-1].append(token)
    return [part for part in parts if part]
