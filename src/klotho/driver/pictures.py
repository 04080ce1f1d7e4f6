"""Pictures of a compiled program: `compiled/topology.*` and `klotho graph`.

Input: a `Build`. Output: a topology, or files. Refuses a file whose ending says another format than the one asked for
or that is somebody's (`picture-name`), and PNG where it can't be made (`png-not-installed`, `png-without-fonts`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from klotho.diagnostics import ExitCode, Failure, one_of

if TYPE_CHECKING:
    from klotho.driver.build import Build
    from klotho.topology.drawing import Drawing
    from klotho.topology.model import Topology, View
    from klotho.topology.palette import Theme

Format = Literal["svg", "png", "mermaid", "json"]

DRAWN_AT_MOST = 100
"""Constructs, in a picture that `klotho build` draws by itself; `klotho graph` draws any."""
_ENDINGS: dict[str, Format] = {
    ".svg": "svg",
    ".png": "png",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".json": "json",
}


def topology_of(built: Build, view: View) -> Topology:
    if view == "resources":
        from klotho.topology.resource_view import resource_view

        return resource_view(built.application, built.graph, built.keys, built.manifest)
    from klotho.topology.dataflow import dataflow

    owners = {name: found.owner for name, found in built.foreign.items()}
    return dataflow(built.application, built.graph.choices, built.manifest, owners)


def is_drawn_by_builds(built: Build) -> bool:
    """Whether a build draws the application: large ones take a second or more."""
    return len(built.application.constructs) <= DRAWN_AT_MOST


def picture_files(built: Build) -> dict[str, bytes]:
    """What every build writes. Not PNG: that alone would take longer than all the rest; and no drawing of what is too
    large for one to be read."""
    topology = topology_of(built, "dataflow")
    drawn = {"topology.svg": rendered(topology, "svg", "auto")} if is_drawn_by_builds(built) else {}
    return {
        **drawn,
        "topology.mmd": rendered(topology, "mermaid", "auto"),
        "topology.json": rendered(topology, "json", "auto"),
    }


def rendered(topology: Topology, format_: Format, theme: Theme) -> bytes:
    """The bytes of one picture; the theme matters to SVG and PNG."""
    if format_ == "json":
        import orjson

        from klotho.topology.model import topology_to_json

        return orjson.dumps(topology_to_json(topology), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if format_ == "mermaid":
        from klotho.topology.mermaid import to_mermaid

        return to_mermaid(topology).encode(errors="replace")
    from klotho.topology.drawing import draw

    if format_ == "svg":
        return draw(topology, theme).svg
    return _png(draw(topology, "light" if theme == "auto" else theme))


def _png(drawing: Drawing) -> bytes:
    from klotho.topology.png import PngUnavailableError, to_png

    try:
        return to_png(*drawing)
    except PngUnavailableError as error:
        if error.args == ("library",):
            raise Failure(
                "png-not-installed",
                "PNG needs a library that is not installed",
                helps=("run `pip install 'klotho[png]'`", "or take `--format svg`, which needs nothing"),
            ) from error
        raise Failure(
            "png-without-fonts",
            "this machine has no font to write the picture's text with",
            helps=("install one, such as Debian's `fonts-dejavu-core`", "or take `--format svg`"),
        ) from error


def write_picture(out: Path, content: bytes) -> None:
    """Write the file; a JSON file that is there and holds something else, such as package.json, is left alone."""
    if out.suffix.lower() == ".json" and out.is_file() and not _holds_topology(out.read_bytes()):
        raise Failure(
            "picture-name",
            f"`{out}` is there already and holds something else",
            notes=("nothing was written",),
            helps=("name another file",),
            exit_code=ExitCode.USAGE,
        )
    out.write_bytes(content)


def _holds_topology(content: bytes) -> bool:
    import orjson

    try:
        found = orjson.loads(content or b"{}")
    except ValueError:
        return False
    return found == {} or (isinstance(found, dict) and {"schema", "view", "nodes"} <= found.keys())


def format_for(asked: Format | None, out: Path | None) -> Format:
    """The format asked for, else the one that the file's name says, else SVG."""
    if out is None:
        if asked == "png":
            raise Failure(
                "picture-name",
                "a PNG is not written to the terminal",
                helps=("name a file: `--out picture.png`",),
                exit_code=ExitCode.USAGE,
            )
        return asked or "svg"
    named = _ENDINGS.get(out.suffix.lower())
    if named is None or (asked is not None and named != asked):
        fitting = [ending for ending, format_ in _ENDINGS.items() if asked in (None, format_)]
        raise Failure(
            "picture-name",
            f"`{out}` is no name for {'a picture' if asked is None else f'a picture as {asked}'}",
            notes=("nothing was written",),
            helps=(f"let it end in {one_of(fitting)}".replace(" and ", " or "),),
            exit_code=ExitCode.USAGE,
        )
    return named
