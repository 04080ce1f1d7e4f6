"""`klotho explain [TOPIC]`: the page of a construct or of a diagnostic code, or a list of all of them."""

from __future__ import annotations

import re
from dataclasses import asdict
from textwrap import fill

from klotho.cli.console import Console
from klotho.diagnostics import ExitCode, Failure, did_you_mean
from klotho.diagnostics.codes import PAGES
from klotho.diagnostics.codes.page import Page
from klotho.driver.construct_page import ConstructPage, ParameterLine, construct_page, kinds


def run(topic: str | None, as_json: bool) -> None:
    console = Console(as_json)
    if topic is None:
        _list(console)
        return
    construct = construct_page(topic)
    if construct is not None:
        _show_construct(construct, console)
        return
    page = _page(topic)
    if as_json:
        console.json({"ok": True, **page._asdict()})
        return
    console.out(console.paint_out(page.code, "bold"))
    for title, text in (("what", page.what), ("why", page.why), ("fix", page.fix)):
        console.out(f"\n{console.paint_out(title, 'cyan')}: {text}")
    if page.example:
        console.out(f"\n{console.paint_out('example', 'cyan')}: this program gives it")
        console.out("\n" + "\n".join(f"    {line}".rstrip() for line in page.example.rstrip("\n").split("\n")))


def _list(console: Console) -> None:
    if console.as_json:
        codes = {code: page.what for code, page in sorted(PAGES.items())}
        console.json({"ok": True, "constructs": kinds(), "codes": codes})
        return
    abouts = [(kind, page.about) for kind in kinds() if (page := construct_page(kind))]
    console.table([*abouts, *((code, page.what) for code, page in sorted(PAGES.items()))])
    console.note("`klotho explain NAME` tells more about one")


def _show_construct(page: ConstructPage, console: Console) -> None:
    if console.as_json:
        console.json({"ok": True, **asdict(page)})
        return
    console.out(console.paint_out(page.kind, "bold"))
    console.out(page.about)
    sections = (
        ("parameters", [_parameter(item) for item in page.parameters]),
        ("told of an existing one, as Existing(…)", list(page.existing)),
        ("outputs", list(page.outputs)),
    )
    for title, rows in sections:
        if rows:
            console.out(f"\n{console.paint_out(title, 'cyan')}")
            console.table([("  " + row[0], *row[1:]) for row in rows])
    if page.verbs:
        console.out(f"\n{console.paint_out('verbs', 'cyan')}")
        for verb in page.verbs:
            console.out(f"  {verb.sentence}")
            console.out(fill(verb.creates, 110, initial_indent="      ", subsequent_indent="      "))
            console.out(fill(f"in transit: {verb.transit}", 110, initial_indent="      ", subsequent_indent="      "))
    console.out(f"\nmade as: {', '.join(page.implementations)}")


def _parameter(item: ParameterLine) -> tuple[str, str, str, str]:
    unit = f", {item.unit}" if item.unit else ""
    default = "required" if item.required else f"default {item.default}" if item.default is not None else ""
    return item.name, f"{item.type}{unit}", default, item.about


def _page(text: str) -> Page:
    """The page of a code, written bare or as a diagnostic shows it: `error[CODE]`."""
    shown = re.fullmatch(r"\w+\[(.*)\]:?", text)
    code = shown[1] if shown else text
    if code in PAGES:
        return PAGES[code]
    known = [*PAGES, *kinds(), *(kind.rpartition(".")[2] for kind in kinds())]
    raise Failure(
        "code-unknown",
        f"there is no construct and no diagnostic code `{code}`",
        helps=(did_you_mean(code, known), "run `klotho explain` for all of them"),
        exit_code=ExitCode.NOT_FOUND,
    )
