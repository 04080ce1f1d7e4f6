"""A picture as PNG, by the library resvg, which is an extra (`klotho[png]`).

Input: the bytes of an SVG with one theme. Output: the bytes of a PNG, twice as large unless the picture is big.
Refuses, by `PngUnavailableError`, when the library is not installed or finds no font: then all text would be missing.
"""

from __future__ import annotations

from typing import Any

from klotho.topology.palette import FONT

BIG = 4_000_000
"""Pixels from which a picture is not enlarged."""


class PngUnavailableError(Exception):
    """PNG can't be made here; the argument is `library` or `font`."""


def to_png(svg: bytes, width: int, height: int) -> bytes:
    resvg = _library()
    _require_font(resvg)
    return bytes(resvg.svg_to_bytes(svg_string=svg.decode(), zoom=1 if width * height > BIG else 2))


def _library() -> Any:
    try:
        import resvg_py
    except ImportError as error:
        raise PngUnavailableError("library") from error
    return resvg_py


def _require_font(resvg: Any) -> None:
    """Draws a letter, and sees whether there is one."""
    letter, nothing = (
        resvg.svg_to_bytes(
            svg_string=f'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
            f'<text x="2" y="16" font-family="{FONT}">{text}</text></svg>'
        )
        for text in ("A", "")
    )
    if letter == nothing:
        raise PngUnavailableError("font")
