"""The options that commands share, each described once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

PROGRAM = Path("infra.py")

PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The program, or the folder with its infra.py.")]
ProgramOption = Annotated[
    Path, typer.Option("--program", "-p", metavar="PATH", help="The program, or the folder with its infra.py.")
]
EnvironmentOption = Annotated[
    str | None, typer.Option("--env", "-e", metavar="NAME", help="The environment; `local` unless named.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Data as JSON on stdout, progress on stderr.")]
FailureAsJsonOption = Annotated[
    bool, typer.Option("--json", help="A failure of Klotho's own as JSON; what the command prints is its own.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
AsksNothingOption = Annotated[
    bool, typer.Option("--yes", "-y", help="For scripts that always say it: this command asks nothing anyway.")
]

ApplicationOption = Annotated[
    str | None, typer.Option("--app", metavar="NAME", help="The application, where its program can't say.")
]
ProjectOption = Annotated[str | None, typer.Option("--project", metavar="NAME", help="Its project, with --app.")]
MoveOption = Annotated[
    list[str] | None,
    typer.Option("--move", metavar="OLD=NEW", help="What was OLD is NEW in the program now, and keeps its data."),
]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Go on with an application that was brought up from another folder.")
]
BreakingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-breaking", metavar="APPLICATION", help="Break this application, which uses what goes or changes."
    ),
]


class CheckFormat(StrEnum):
    """What `klotho check` writes to stdout."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
