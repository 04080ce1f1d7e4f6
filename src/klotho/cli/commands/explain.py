"""`klotho explain [CODE]`: the page of a diagnostic code, or all codes."""

from __future__ import annotations

import re

from klotho.cli.console import Console
from klotho.diagnostics import ExitCode, Failure, did_you_mean
from klotho.diagnostics.codes import PAGES
from klotho.diagnostics.codes.page import Page


def run(code: str | None, as_json: bool) -> None:
    console = Console(as_json)
    if code is None:
        _list(console)
        return
    page = _page(code)
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
        console.json({"ok": True, "codes": {code: page.what for code, page in sorted(PAGES.items())}})
        return
    console.table((code, page.what) for code, page in sorted(PAGES.items()))
    console.note("`klotho explain CODE` tells more about one")


def _page(text: str) -> Page:
    """The page of a code, written bare or as a diagnostic shows it: `error[CODE]`."""
    shown = re.fullmatch(r"\w+\[(.*)\]:?", text)
    code = shown[1] if shown else text
    if code in PAGES:
        return PAGES[code]
    raise Failure(
        "code-unknown",
        f"there is no diagnostic code `{code}`",
        helps=(did_you_mean(code, PAGES), "run `klotho explain` for all of them"),
        exit_code=ExitCode.NOT_FOUND,
    )
