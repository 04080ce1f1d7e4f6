"""How wide texts are, without a font at hand.

Input: text and a size in pixels. Output: widths and lines. The widths are those of DejaVu Sans, the widest of the fonts
that a system takes for `sans-serif`, so that text fits whatever is there, and the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from unicodedata import combining, east_asian_width

_REGULAR = bytes.fromhex(
    "20282e54405f4e1b272732542024202240404040404040404040222254545435644445464d3f3a4d4b1d1d4238564b4f"
    "3c4f453f3d494463453d452722275432323d3f373f3e233f3f1c1c3a1c613f3d3f3f2934273f3b523b3b3440224054"
)
_BOLD = bytes.fromhex(
    "232e34544664571f2e2e3454262a26254646464646464646464628285454543a644d4c49534444525425254d40645455"
    "49554d4844514d6e4d48492e252e54323243483b48442c4847222243226847454848313c3047415c41413a47254754"
)
"""Hundredths of the font size, of the characters from space to `~`."""
_BREAKS = re.compile(r"(?<=[-_/.,:])")
"""Where a word may be cut: after these characters."""


def width(text: str, size: int, bold: bool = False) -> int:
    """In pixels, rounded up."""
    hundredths = sum(_hundredths(character, bold) for character in text)
    return -(-hundredths * size // 100)


def _hundredths(character: str, bold: bool) -> int:
    place = ord(character) - 32
    if 0 <= place < len(_REGULAR):
        return (_BOLD if bold else _REGULAR)[place]
    if combining(character):
        return 0
    return 135 if east_asian_width(character) in "WFA" else 100


def wrapped(text: str, limit: int, size: int, bold: bool = False) -> tuple[str, ...]:
    """The text in lines of at most this many pixels, cut between words where possible; only space is left out."""

    def fits(line: str) -> bool:
        return width(line, size, bold) <= limit

    lines = _filled(text.split(), " ", fits)
    lines = [part for line in lines for part in ([line] if fits(line) else _filled(_BREAKS.split(line), "", fits))]
    return tuple(part for line in lines for part in ([line] if fits(line) else _filled(line, "", fits))) or ("",)


def _filled(pieces: Iterable[str], between: str, fits: Callable[[str], bool]) -> list[str]:
    """As many pieces in a line as fit, at least one."""
    lines: list[str] = []
    for piece in pieces:
        if lines and fits(lines[-1] + between + piece):
            lines[-1] += between + piece
        elif piece:
            lines.append(piece)
    return lines
