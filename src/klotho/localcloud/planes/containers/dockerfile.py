"""Reads a Dockerfile into stages of instructions.

Input: the text. Output: `Dockerfile` with its stages, each instruction with its line, flags and arguments, variables
not yet expanded. Refuses, as `ImageError` with the line: heredocs, another escape character, an instruction Docker
does not have, an instruction before the first FROM, a malformed flag or JSON list.

Source: the Dockerfile reference (docs.docker.com/reference/dockerfile).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

KNOWN = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=\s*(.*)", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*[\"']?[A-Za-z_]")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?(?:\s+|$)")
_VARIABLE = re.compile(
    r"\\\$|\$(?:(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:[-+?]|[-+?])(?P<word>[^}]*))?\}"
    r"|(?P<odd>\{))"
)


class SourceMistake(NamedTuple):
    """What a compiler that a RUN line starts refuses."""

    file: str
    """Its absolute path in the image."""
    line: int
    column: int
    what: str


class ImageError(Exception):
    """An image can't be made of this Dockerfile as a process; names the line and what to do."""

    def __init__(
        self, line: int, instruction: str, reason: str, hint: str, mistakes: Sequence[SourceMistake] = ()
    ) -> None:
        super().__init__(f"Dockerfile line {line}: {instruction}: {reason}; {hint}")
        self.mistakes = tuple(mistakes)
        self.line = line
        self.instruction = instruction
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    line: int
    """The line its keyword is on, from 1."""
    keyword: str
    flags: tuple[tuple[str, str], ...]
    text: str
    """What follows the keyword and flags."""

    @property
    def shown(self) -> str:
        """The instruction as a person knows it, cut to a line."""
        whole = f"{self.keyword} {self.text}"
        return whole if len(whole) <= 80 else whole[:77] + "..."

    def flag(self, name: str) -> str | None:
        return next((value for key, value in self.flags if key == name), None)

    def words(self) -> list[str]:
        """The arguments: the items of a JSON list, else words separated by blanks, quotes removed."""
        listed = self.listed()
        if listed is not None:
            return listed
        try:
            return shlex.split(self.text)
        except ValueError as error:
            raise self.error(f"can't be read ({error})", "check the quotes") from error

    def listed(self) -> list[str] | None:
        """The items if the arguments are a JSON list of texts (the exec form), else None (the shell form)."""
        if not self.text.startswith("["):
            return None
        try:
            found = json.loads(self.text)
        except ValueError:
            return None
        return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None

    def error(self, reason: str, hint: str, mistakes: Sequence[SourceMistake] = ()) -> ImageError:
        return ImageError(self.line, self.shown, reason, hint, mistakes)


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it."""

    index: int
    name: str | None
    base: str
    """The image or earlier stage, variables not expanded."""
    origin: Instruction
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    arguments: tuple[Instruction, ...]
    """ARG before the first FROM: usable in FROM lines only."""
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage | None:
        """By name or number."""
        for stage in self.stages:
            if name.lower() == (stage.name or "").lower() or name == str(stage.index):
                return stage
        return None


@dataclass(slots=True)
class _Building:
    name: str | None
    base: str
    origin: Instruction
    instructions: list[Instruction] = field(default_factory=list)


def parse(text: str) -> Dockerfile:
    """Read a whole Dockerfile; `ImageError` for what can't be read."""
    arguments: list[Instruction] = []
    stages: list[_Building] = []
    for instruction in _instructions(text):
        if instruction.keyword == "FROM":
            stages.append(_from(instruction))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.keyword == "ARG":
            arguments.append(instruction)
        else:
            raise instruction.error("comes before FROM", "begin with FROM")
    if not stages:
        raise ImageError(1, "(empty)", "there is no FROM", "begin with `FROM python:3.12-slim` or `FROM node:22-slim`")
    made = (Stage(i, s.name, s.base, s.origin, tuple(s.instructions)) for i, s in enumerate(stages))
    return Dockerfile(tuple(arguments), tuple(made))


def _from(instruction: Instruction) -> _Building:
    words = instruction.words()
    if len(words) == 1:
        return _Building(None, words[0], instruction)
    if len(words) == 3 and words[1].upper() == "AS":
        return _Building(words[2], words[0], instruction)
    raise instruction.error("is not `FROM image [AS name]`", "write it that way")


def _instructions(text: str) -> Iterator[Instruction]:
    for line, whole in _logical_lines(text):
        keyword, _, rest = whole.partition(" ") if " " in whole else whole.partition("\t")
        keyword, rest = keyword.upper(), rest.strip()
        if keyword not in KNOWN:
            near = get_close_matches(keyword, KNOWN, n=1)
            hint = f"did you mean {near[0]}?" if near else f"instructions are {', '.join(sorted(KNOWN))}"
            raise ImageError(line, whole[:80], f"`{keyword}` is no instruction", hint)
        if keyword in ("RUN", "COPY", "ADD") and _HEREDOC.search(rest):
            reason = "heredocs are not carried"
            raise ImageError(line, whole[:80], reason, "put the lines into a file and COPY it")
        flags: list[tuple[str, str]] = []
        while found := _FLAG.match(rest):
            flags.append((found[1], found[2] if found[2] is not None else "true"))
            rest = rest[found.end() :]
        if not rest:
            raise ImageError(line, keyword, "needs an argument", "add one or remove the line")
        yield Instruction(line, keyword, tuple(flags), rest)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations joined; comments and blank lines dropped, also between continuations."""
    parts: list[str] = []
    first = 0
    directives = True
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = raw.strip()
        if line.startswith("#") or not line:
            directive = _DIRECTIVE.fullmatch(line) if directives else None
            if directive and directive[1].lower() == "escape" and directive[2].strip() != "\\":
                raise ImageError(number, line, "another escape character is not carried", "use the backslash")
            continue
        directives = False
        if not parts:
            first = number
        if line.endswith("\\"):
            parts.append(line[:-1].strip())
            continue
        parts.append(line)
        yield first, " ".join(part for part in parts if part)
        parts = []
    if any(parts):
        yield first, " ".join(part for part in parts if part)


def expand(text: str, variables: Mapping[str, str], instruction: Instruction) -> str:
    """Replace `$X`, `${X}`, `${X:-default}`, `${X:+other}`; an unset variable is empty, as in Docker.

    `ImageError` for `${X:?message}` of an unset variable and for other forms (`${X#pattern}`).
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "\\$":
            return "$"
        if found["odd"]:
            raise instruction.error("uses a form of ${...} that is not carried", "use ${NAME} or ${NAME:-x}")
        name, how, word = found["plain"] or found["name"], found["how"] or "", found["word"] or ""
        known = variables.get(name)
        present = bool(known) if how.startswith(":") else known is not None
        if how.endswith("-"):
            return known if present and known is not None else expand(word, variables, instruction)
        if how.endswith("+"):
            return expand(word, variables, instruction) if present else ""
        if how.endswith("?") and not present:
            raise instruction.error(f"needs a value for {name} ({word})", f"pass {name} as a build argument")
        return known or ""

    return _VARIABLE.sub(value, text)


def pairs(instruction: Instruction) -> list[tuple[str, str]]:
    """The `NAME=value ...` of ENV, LABEL and ARG, quotes removed; also the old `ENV NAME value`."""
    first = instruction.text.split(None, 1)
    if "=" not in first[0] and instruction.keyword != "ARG":
        if len(first) != 2:
            raise instruction.error("has no value", "write NAME=value")
        return [(first[0], first[1])]
    found = []
    for word in instruction.words():
        name, _, value = word.partition("=")
        if not name:
            raise instruction.error(f"`{word}` has no name", "write NAME=value")
        found.append((name, value))
    return found
