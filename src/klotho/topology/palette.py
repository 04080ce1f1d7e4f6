"""The colours of pictures, light and dark, as CSS.

Input: a theme. Output: a style sheet of plain class rules, which every SVG renderer understands; `auto` follows the
reader's system by `prefers-color-scheme` where there is one, and is light elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from klotho.topology.model import EdgeKind, Family

Theme = Literal["light", "dark", "auto"]

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', 'Noto Sans', "
    "'DejaVu Sans', sans-serif"
)


class _Palette(NamedTuple):
    canvas: str
    text: str
    muted: str
    node: str
    outline: str
    group: str
    inner_group: str
    border: str
    families: Mapping[Family, str]
    edges: Mapping[EdgeKind, str]


_LIGHT = _Palette(
    canvas="#ffffff",
    text="#0f172a",
    muted="#536179",
    node="#ffffff",
    outline="#b6c2d2",
    group="#f4f6fa",
    inner_group="#e9eef5",
    border="#d5dde8",
    families={
        "compute": "#c2570c",
        "data": "#1d5fd1",
        "messaging": "#be2470",
        "edge": "#6d3ad6",
        "identity": "#b42323",
        "network": "#0b7d72",
        "other": "#5b6880",
    },
    edges={"request": "#6d3ad6", "data": "#1d5fd1", "event": "#be2470", "link": "#66738a"},
)
_DARK = _Palette(
    canvas="#0d1220",
    text="#e8edf6",
    muted="#a3b0c4",
    node="#1d2639",
    outline="#46536b",
    group="#141b2b",
    inner_group="#192236",
    border="#2b364b",
    families={
        "compute": "#c2570c",
        "data": "#2f6fe0",
        "messaging": "#c93a80",
        "edge": "#7d52e0",
        "identity": "#c93d3d",
        "network": "#0f8a7e",
        "other": "#64728c",
    },
    edges={"request": "#b39bf5", "data": "#7fb0ff", "event": "#f28cbb", "link": "#93a1b8"},
)


def style_sheet(theme: Theme) -> str:
    if theme == "auto":
        return f"{_shapes()}{_colours(_LIGHT)}@media (prefers-color-scheme:dark){{{_colours(_DARK)}}}"
    return _shapes() + _colours(_DARK if theme == "dark" else _LIGHT)


def _shapes() -> str:
    return (
        f"text{{font-family:{FONT};font-size:11px}}"
        ".heading{font-size:16px;font-weight:600}.name{font-size:13px;font-weight:600}"
        ".node,.group{stroke-width:1}.construct{stroke-dasharray:4 3}.repository{stroke-width:2}"
        ".edge{fill:none;stroke-width:1.5}.edge.event{stroke-dasharray:6 3}.edge.link{stroke-dasharray:2 3}"
        ".glyph{fill:none;stroke:#ffffff;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}"
    )


def _colours(palette: _Palette) -> str:
    rules = [
        f".canvas{{fill:{palette.canvas}}}",
        f".heading,.name{{fill:{palette.text}}}",
        f".service,.caption,.legend{{fill:{palette.muted}}}",
        f".node{{fill:{palette.node};stroke:{palette.outline}}}",
        f".group{{fill:{palette.group};stroke:{palette.border}}}",
        f".group.construct{{fill:{palette.inner_group};stroke:{palette.outline}}}",
    ]
    rules += [f".badge.{family}{{fill:{colour}}}" for family, colour in palette.families.items()]
    for kind, colour in palette.edges.items():
        rules.append(f".edge.{kind}{{stroke:{colour}}}.head.{kind},.label.{kind}{{fill:{colour}}}")
    return "".join(rules)
