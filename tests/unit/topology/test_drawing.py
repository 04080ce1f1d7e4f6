"""What is written down: SVG that any reader understands, Mermaid, JSON, PNG."""

from __future__ import annotations

import re
import struct
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klotho.topology.drawing import draw
from klotho.topology.measuring import measure
from klotho.topology.mermaid import to_mermaid
from klotho.topology.model import (
    Edge,
    Node,
    Topology,
    TopologyFormatError,
    topology_from_json,
    topology_to_json,
)
from klotho.topology.png import PngUnavailableError, to_png
from klotho.topology.shapes import plain
from klotho.topology.text import width, wrapped

from .drawn import topologies
from .test_arranging import generated

SVG = "{http://www.w3.org/2000/svg}"
FEW = settings(max_examples=15, suppress_health_check=list(HealthCheck))


def read(topology: Topology) -> ElementTree.Element:
    return ElementTree.fromstring(draw(topology).svg)


@given(topologies())
@FEW
def test_any_name_gives_an_svg_that_parses_and_holds_all_of_its_text(topology: Topology) -> None:
    root = read(topology)
    assert (root.tag, root.get("role"), root.get("aria-labelledby")) == (f"{SVG}svg", "img", "title about")
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    written = "".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    packed = re.sub(r"\s", "", written)
    for node in topology.nodes:
        name = ElementTree.fromstring(f"<t>{plain(' '.join(node.title.split()))}</t>").text or ""
        assert all(part in packed for part in name.split())


def test_characters_that_xml_forbids_are_replaced() -> None:
    every = "".join(map(chr, range(0x110000)))
    text = ElementTree.fromstring(f"<t>{plain(every)}</t>").text or ""
    assert len(text) >= 0x110000 - 1  # the parser makes one line end of two
    assert "\x00" not in text and "\ufffe" not in text


@given(topologies())
@FEW
def test_all_text_of_a_node_fits_into_it(topology: Topology) -> None:
    texts = measure(topology)
    for node in topology.nodes:
        room = texts.sizes.nodes[node.id].width
        assert all(width(line, 13, bold=True) < room for line in texts.nodes[node.id].title)
        assert all(width(line, 11) < room for line in texts.nodes[node.id].subtitle)


@given(st.text(max_size=80), st.integers(20, 300))
def test_breaking_a_text_into_lines_loses_nothing_but_space(text: str, limit: int) -> None:
    assert "".join("".join(wrapped(text, limit, 11)).split()) == "".join(text.split())


@given(topologies())
@FEW
def test_json_holds_everything(topology: Topology) -> None:
    assert topology_from_json(topology_to_json(topology)) == topology


def _good() -> dict[str, Any]:
    return topology_to_json(generated(5))


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": 2},
        {"view": "else"},
        {"nodes": [{"id": "n0"}]},
        {"nodes": 3},
        {"groups": []},
        {"groups": [{"id": f"s{index}", "title": "", "kind": "stack", "parent": "s0"} for index in range(3)]},
        {"edges": [{"source": "n0", "target": "nobody", "verb": "calls", "kind": "data", "labels": []}]},
        {"edges": [{"source": "n0", "target": "n0", "verb": "calls", "kind": "data", "labels": []}]},
        {"edges": [{"source": "n0", "target": "n1", "verb": "calls", "kind": "data", "labels": [1]}]},
        {"edges": [{"source": "n0", "target": "n1", "verb": "calls", "kind": "data", "labels": []}] * 2},
    ],
)
def test_damaged_json_is_refused(damage: dict[str, Any]) -> None:
    assert topology_from_json(_good()) == generated(5)
    with pytest.raises(TopologyFormatError):
        topology_from_json(_good() | damage)


@given(topologies())
@FEW
def test_mermaid_has_every_node_and_edge_and_nothing_a_name_could_end(topology: Topology) -> None:
    lines = to_mermaid(topology).split("\n")
    assert lines[3] == "flowchart LR"
    text = r'"[^"<>`|]*(<br/>[^"<>`|]*)*"'
    grammar = rf"(n\d+\[{text}\]|subgraph g\d+\[{text}\]|end|n\d+ -\.?->(\|{text}\|)? n\d+| ?-->)"
    arrow = rf"n\d+ (-->|-\.->)(\|{text}\|)? n\d+"
    for line in lines[4:-1]:
        assert re.fullmatch(grammar, line.strip()) or re.fullmatch(arrow, line.strip()), line
    assert sum("[" in line and "subgraph" not in line for line in lines[4:]) == len(topology.nodes)
    assert sum("->" in line for line in lines[4:]) == len(topology.edges)


def test_themes_are_colours_only_and_auto_has_both() -> None:
    light, dark, auto = (draw(generated(4), theme).svg.decode() for theme in ("light", "dark", "auto"))  # type: ignore[arg-type]
    without = [re.sub(r"<style>.*?</style>", "", text) for text in (light, dark, auto)]
    assert without[0] == without[1] == without[2]
    assert "prefers-color-scheme" in auto
    assert "prefers-color-scheme" not in light + dark
    assert light != dark


def test_a_legend_explains_what_is_there_and_no_more() -> None:
    nodes = (Node("a", "a", "AWS Lambda", "compute"), Node("b", "b", "Amazon S3", "data"))
    text = draw(Topology("two", "dataflow", nodes, (Edge("a", "b", "reads_from", "data", ("reads",)),))).svg.decode()
    assert ">compute<" in text and ">reads or writes<" in text
    assert ">network<" not in text and ">a CloudFormation stack<" not in text


def test_png_is_twice_as_large_as_the_svg() -> None:
    drawing = draw(generated(4), "dark")
    png = to_png(*drawing)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (2 * drawing.width, 2 * drawing.height)


def test_png_without_its_library_or_without_a_font_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fontless:
        @staticmethod
        def svg_to_bytes(**_: object) -> bytes:
            return b"blank"

    for library, why in ((None, "library"), (Fontless, "font")):
        monkeypatch.setitem(sys.modules, "resvg_py", library)
        with pytest.raises(PngUnavailableError, match=why):
            to_png(*draw(generated(2)))
