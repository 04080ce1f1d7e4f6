"""What is wrong with a site, said before anything is made of it: its folder, its pages, what its pages are told."""

from __future__ import annotations

from klotho.application import Construct, references
from klotho.catalogue.kinds.file_check import nearest_folder, refuses_outside
from klotho.catalogue.rules import Setting
from klotho.diagnostics import Report, meant_or_listed


def build_root(construct: Construct, setting: Setting) -> str:
    """The folder the build command runs in: as given, else the one that holds `directory`."""
    given = setting.parameter(construct, "root")
    if given is not None:
        return str(given)
    return str(setting.parameter(construct, "directory")).rpartition("/")[0] or "."


def check_site(construct: Construct, setting: Setting, report: Report) -> None:
    """Its folder is there and holds the pages named, or a command makes it; its values reach a browser."""
    if not construct.unread & {"directory", "build", "root", "existing"}:
        _check_folders(construct, setting, report)
    if "environment" not in construct.unread:
        _check_values(construct, setting, report)


def _check_folders(construct: Construct, setting: Setting, report: Report) -> None:
    directory = str(setting.parameter(construct, "directory"))
    if refuses_outside(construct, "directory", directory, setting, report):
        return
    path = setting.files.path(directory)
    if path is not None and setting.files.root.is_relative_to(path):
        report.error(
            "site-holds-program",
            f"the folder `{directory}` of {construct.title} holds this program, which would be published",
            construct.place("directory"),
            helps=['put the pages into a folder of their own: `directory="web"`'],
        )
    elif setting.parameter(construct, "build") is not None:
        _check_root(construct, build_root(construct, setting), setting, report)
    elif not setting.files.is_folder(directory):
        report.error(
            "missing-site-folder",
            f"the folder `{directory}` of {construct.title} does not exist",
            construct.place("directory"),
            helps=[nearest_folder(directory, setting), "a folder that a command makes needs `build=` too"],
        )
    else:
        _check_pages(construct, directory, setting, report)


def _check_root(construct: Construct, root: str, setting: Setting, report: Report) -> None:
    if refuses_outside(construct, "root", root, setting, report):
        return
    if not setting.files.is_folder(root):
        report.error(
            "missing-site-folder",
            f"the folder `{root}`, in which `build` of {construct.title} would run, does not exist",
            construct.place("root" if construct.properties.get("root") else "directory"),
            helps=[nearest_folder(root, setting)],
        )


def _check_pages(construct: Construct, directory: str, setting: Setting, report: Report) -> None:
    for argument in ("index", "error"):
        page = setting.parameter(construct, argument)
        if page is None or argument in construct.unread or setting.files.is_file(f"{directory}/{page}"):
            continue
        pages = [name for name in setting.files.names_in(directory) if name.endswith((".html", ".htm"))]
        report.error(
            "missing-page",
            f"`{directory}` of {construct.title} has no `{page}`",
            construct.place(argument if construct.properties.get(argument) else "directory"),
            helps=[
                meant_or_listed(str(page), pages) or f"write `{directory}/{page}`, or name another page: `{argument}=`"
            ],
        )


def _check_values(construct: Construct, setting: Setting, report: Report) -> None:
    """An address inside the network is of no use to a browser."""
    for name, value in (setting.parameter(construct, "environment") or {}).items():
        for target, output in references(value):
            implementation = setting.choices.get(target)
            offered = implementation.outputs.get(output) if implementation else None
            if offered is None:
                continue
            other = setting.application.construct(target)
            if offered.internal:
                report.error(
                    "unreachable-from-browser",
                    f"`{output}` of {other.title} is an address in the application's network, where no browser is",
                    construct.place("environment", name),
                    helps=["attach the service to an API and give the API's `url`"],
                )
            elif setting.adopted(other) is not None:
                report.error(
                    "unreachable-from-browser",
                    f"{other.title} is adopted with `existing=`: no stack of this program tells its `{output}`",
                    construct.place("environment", name),
                    helps=["write the value itself"],
                )
