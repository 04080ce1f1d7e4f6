"""`klotho graph`: pictures of the application."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from klotho.cli.options import PROGRAM, AsksNothingOption, EnvironmentOption, JsonOption, PathArgument

pictures = typer.Typer(rich_markup_mode=None)


class _View(StrEnum):
    dataflow = "dataflow"
    resources = "resources"


class Format(StrEnum):
    svg = "svg"
    png = "png"
    mermaid = "mermaid"
    json = "json"


class Theme(StrEnum):
    light = "light"
    dark = "dark"
    auto = "auto"


FormatOption = Annotated[
    Format | None, typer.Option("--format", help="What the file's name says, else svg.", show_default=False)
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where to write; to stdout unless named.")
]
ThemeOption = Annotated[Theme, typer.Option("--theme", help="Of svg and png; `auto` follows the reader's system.")]


@pictures.command("graph")
def graph(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    view: Annotated[
        _View, typer.Option("--view", help="Constructs and what they do with each other, or all resources.")
    ] = _View.dataflow,
    format_: FormatOption = None,
    out: OutOption = None,
    theme: ThemeOption = Theme.auto,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Draw the application: what uses what, in which stack.

    Deploys nothing, asks no service.
    """
    from klotho.cli.commands.graph import run

    run(path, env, view.value, None if format_ is None else format_.value, out, theme.value, as_json)
