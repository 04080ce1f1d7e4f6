"""Dockerfiles of the user's own: `# @klotho::execution_unit { id = "main" }` in a file named Dockerfile makes it the
one that the unit's image is built by, in the unit's folder, in place of Klotho's.

Refuses one that does not start the unit by what takes calls, where other units call it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from klotho.annotations.comments import line_comments
from klotho.annotations.findings import UnitCode
from klotho.annotations.grammar import read_annotations
from klotho.annotations.hosting import Form
from klotho.annotations.model import Annotation, Text
from klotho.diagnostics import Label, Report, meant_or_listed

NAME, IGNORES = "Dockerfile", ".dockerignore"


@dataclass(frozen=True, slots=True)
class Dockerfile:
    text: Text
    annotation: Annotation


def is_dockerfile(path: str) -> bool:
    return PurePosixPath(path).name == NAME


def read_dockerfile(found: dict[str, Dockerfile], text: Text, report: Report) -> None:
    """Adds a file that an annotation gives to a unit."""
    for comment in line_comments(text.content, "#"):
        for annotation in read_annotations(text, comment, report):
            if annotation.capability != "execution_unit":
                message = (
                    f"{annotation.title} stands in a Dockerfile, which can only say which execution unit it is for"
                )
                report.error("annotation-detached", message, annotation.span)
            elif annotation.id is None:
                helps = ('write `@klotho::execution_unit { id = "…" }`',)
                report.error("annotation-id", "a Dockerfile is for one unit, by its id", annotation.span, helps=helps)
            elif (first := found.setdefault(annotation.id, Dockerfile(text, annotation))).annotation is not annotation:
                also = [Label(first.annotation.span, "the first one")]
                message = f'the unit "{annotation.id}" has two Dockerfiles'
                report.error("annotation-duplicate", message, annotation.span, text="the second one", also=also)


def refuse_strangers(dockerfiles: Mapping[str, Dockerfile], units: Iterable[str], report: Report) -> None:
    """Reports Dockerfiles for units that are none."""
    known = list(units)
    for id, item in dockerfiles.items():
        if id not in known:
            message = f'there is no execution unit "{id}" that this Dockerfile could be for'
            helps = (meant_or_listed(id, known, "there is"),)
            report.error("annotation-unit", message, item.annotation.span, helps=helps)


def with_own(
    item: Dockerfile | None, root: Path, unit: str, form: Form, called: bool, code: UnitCode, report: Report
) -> Mapping[str, bytes]:
    """The unit's files with its own Dockerfile, and the .dockerignore beside that. `called`: whether other units do."""
    if item is None:
        return code.files
    if form == "function":
        message = f'the unit "{unit}" is no container where it runs: its Dockerfile is not used'
        helps = (f"`execution_units.{unit}.type: lambda-container` in klotho.yaml runs it on Lambda in one",)
        report.warning("annotation-without-effect", message, item.annotation.span, helps=helps)
        return code.files
    if called and code.start[-1].encode() not in item.text.content:
        message = f'other units call "{unit}", and its Dockerfile does not start what takes their calls'
        helps = (f"end it with `CMD {json.dumps(list(code.start))}`, which starts your program, too",)
        report.error("annotation-call", message, item.annotation.span, helps=helps)
    files = {**code.files, NAME: item.text.content}
    beside = root / PurePosixPath(item.text.path).with_name(IGNORES)
    if beside.is_file():
        files[IGNORES] = beside.read_bytes()
    return files
