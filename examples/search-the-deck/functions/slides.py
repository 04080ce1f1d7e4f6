"""Slides as portable graymaps (PGM, "P5"): a header, comments, and one byte a pixel.

Source: the Netpbm manual, "pgm". Refuses, by ValueError, what is no such image.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import NamedTuple

_HEADER = re.compile(rb"P5\s(?:#[^\n]*\n)*(\d+)\s+(\d+)\s+255\s", re.DOTALL)


class Slide(NamedTuple):
    """A grey image and the words printed on it, strip by strip from the top."""

    width: int
    height: int
    pixels: bytes
    strips: list[str]


def parse(data: bytes) -> Slide:
    header = _HEADER.match(data)
    if header is None:
        raise ValueError("this is no PGM image")
    width, height = int(header[1]), int(header[2])
    pixels = data[header.end() :]
    if len(pixels) != width * height:
        raise ValueError(f"an image of {width} x {height} has {width * height} pixels, not {len(pixels)}")
    strips = [line.decode() for line in re.findall(rb"#([^\n]*)\n", data[: header.end()])]
    return Slide(width, height, pixels, strips)


def thumbnail(slide: Slide, width: int) -> bytes:
    """The slide as a PNG of this width: every so-manieth pixel, which is enough to tell slides apart."""
    step = max(1, slide.width // width)
    rows = [slide.pixels[row * slide.width : (row + 1) * slide.width : step] for row in range(0, slide.height, step)]
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
