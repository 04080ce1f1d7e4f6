"""What a Go file says of what it is made of: its package, what it imports, what it embeds.

Input: a file's text. Output: a `GoSource`. Refuses nothing: the compiler tells what is wrong. Sources: The Go
Programming Language Specification, "Source file organization" (imports stand before all declarations); package
`embed` (`//go:embed` and its patterns).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""[\s;]+|//[^\n]*|/\*.*?\*/"""
    r"""|(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<word>[^\W\d]\w*)|(?P<mark>[().])""",
    re.DOTALL,
)
_EMBED = re.compile(r"^[ \t]*//go:embed[ \t]+(.+?)\r?$", re.MULTILINE)
_PATTERN = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|(\S+)')


@dataclass(frozen=True, slots=True)
class GoSource:
    """One file."""

    package: str
    """Empty where there is no package clause."""
    imports: tuple[str, ...]
    embeds: tuple[str, ...]
    """Patterns, relative to the file's folder; `all:` before one takes hidden files, too."""


def go_source(text: str) -> GoSource:
    words = _header(text.removeprefix("\ufeff"))
    package = next(words, "") == "package" and next(words, "")
    return GoSource(package or "", tuple(_imports(words)), tuple(_embeds(text)))


def _header(text: str) -> Iterator[str]:
    """Tokens up to the first that no import declaration has."""
    at = 0
    while match := _TOKEN.match(text, at):
        at = match.end()
        if match.lastgroup is not None:
            yield match[0]


def _imports(words: Iterator[str]) -> Iterator[str]:
    """`import "a"`, `import b "a"` and `import ( … )`."""
    while next(words, "") == "import":
        grouped = False
        for word in words:
            if word[0] in '"`':
                yield word[1:-1]
            grouped = grouped or word == "("
            if word == ")" or (word[0] in '"`' and not grouped):
                break


def _embeds(text: str) -> Iterator[str]:
    for line in _EMBED.findall(text):
        for quoted, raw, plain in _PATTERN.findall(line):
            yield quoted or raw or plain
