"""Paths a program names: that they stay inside the repository, and what to try when nothing is there."""

from __future__ import annotations

from klotho.application import Construct
from klotho.catalogue.rules import Setting
from klotho.diagnostics import Report, did_you_mean


def refuses_outside(construct: Construct, argument: str, path: str, setting: Setting, report: Report) -> bool:
    """Reports a path that leads out of the repository; whether it did."""
    if setting.files.path(path) is not None:
        return False
    report.error(
        "outside-repository",
        f"`{path}` of {construct.title} leads outside the repository",
        construct.place(argument),
        notes=[_boundary(setting)],
        helps=["move what it names into that folder, or run `git init` in a folder above that holds both"],
    )
    return True


def _boundary(setting: Setting) -> str:
    files = setting.files
    name = files.boundary.name or str(files.boundary)
    if (files.boundary / ".git").exists():
        return f"paths may go up to the top of the git repository, the folder `{name}`"
    return f"this program is in no git repository, so its own folder, `{name}`, is as far as its paths may go"


def nearest_folder(path: str, setting: Setting) -> str:
    """The help line for a folder that is not there."""
    parent, _, name = path.rstrip("/").rpartition("/")
    place = f"{parent}/" if parent else ""
    folders = [place + item for item in setting.files.names_in(parent or ".") if setting.files.is_folder(place + item)]
    return (
        did_you_mean(place + name, folders) or "make the folder, or correct the path: it starts at the program's folder"
    )
