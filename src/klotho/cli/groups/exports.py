"""`klotho eject`, and the options it shares with `klotho build`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from klotho.cli.options import PROGRAM, AsksNothingOption, EnvironmentOption, JsonOption, PathArgument

if TYPE_CHECKING:
    from klotho.driver.exports import Wanted

exports = typer.Typer(rich_markup_mode=None)


class Iac(StrEnum):
    cloudformation = "cloudformation"
    pulumi = "pulumi"
    terraform = "terraform"


class Language(StrEnum):
    python = "python"
    typescript = "typescript"


LanguageOption = Annotated[
    Language | None, typer.Option("--language", help="Of Pulumi programs; python unless named.", show_default=False)
]
SingleOption = Annotated[bool, typer.Option("--single", help="One Pulumi project instead of one for each stack.")]
BackendOption = Annotated[
    str | None, typer.Option("--backend", metavar="NAME", help="Where Terraform keeps its state: s3, local, gcs …")
]


def wanted(iac: Iac | None, language: Language | None, single: bool, backend: str | None) -> Wanted | None:
    """The export that is asked for; None for none."""
    if iac is None and not (language or single or backend):
        return None
    from klotho.driver.exports import Wanted

    target = iac or (Iac.terraform if backend else Iac.pulumi)  # the options belong to one target each
    return Wanted(target.value, language.value if language else None, single, backend)


@exports.command("eject")
def eject_command(
    path: PathArgument = PROGRAM,
    env: EnvironmentOption = None,
    iac: Annotated[Iac, typer.Option("--iac", help="Which tool takes over.")] = Iac.cloudformation,
    language: LanguageOption = None,
    single: SingleOption = False,
    backend: BackendOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; `ejected` unless named.")
    ] = None,
    yes: AsksNothingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the application for another tool to take over.

    With functions' zips, and import files for what is deployed. Changes nothing that is deployed.
    """
    from klotho.cli.commands.eject import run

    found = wanted(iac, language, single, backend)
    assert found is not None
    run(path, env, out, found, as_json)
