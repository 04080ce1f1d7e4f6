"""Sources with a few bytes changed, the same ones for the same seed."""

from __future__ import annotations

import random

PIECES = [
    "{",
    "}",
    '"',
    "'",
    '"""',
    "@klotho::",
    "\n",
    "\r\n",
    "//",
    "/*",
    "*/",
    "#",
    "\0",
    "\udc80",
    "é",
    "🐔",
    "=",
    "[",
    "\\",
]


def mutated(seed: str, chance: random.Random) -> str:
    text = seed
    for _ in range(chance.randint(1, 6)):
        at, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, at + chance.choice((0, 1, 3, 20)))
        text = text[:at] + chance.choice((*PIECES, text[at : at + 30], "")) + text[end:]
    return text
