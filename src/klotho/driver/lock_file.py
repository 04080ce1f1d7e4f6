"""klotho.lock: how functions are shipped, as it was found out when their packages were installed, and which bundles of
guardrails the application answers to, by digest.

Compiling is offline, and what is in a template depends on whether a function is a zip, has a layer or is an image. So
that is written down beside klotho.yaml, for people to commit: every later compilation, on any machine, reads it and
gives the same bytes. A word of the user's (`use`) wins over it.

Input: a folder. Output: `Shipped` by the function's name; the application as the file changes it; the file, the same
bytes for the same content. Refuses a file that is not as it was written (`lock-file-damaged`), at its line; a function
that the program does not have is a warning.
"""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from klotho.application import Application, Construct, Directive
from klotho.diagnostics import Failure, Report, Span, did_you_mean, one_of

LOCK_FILE = "klotho.lock"
_VERSION = 1
_KIND = "Compute.Function"
_HEAD = f"""# How functions are shipped whose packages are large, or are not to be had for AWS Lambda.
# Written by `klotho up`; commit it. A function whose entry is deleted is looked at anew.

version = {_VERSION}
"""
_IMPLEMENTATION = {"layer": "lambda-layer", "image": "lambda-image"}
_PINNED = ("bundle", "version", "digest")
_KEYS = {"ships", "reason", "build", "architecture"}
_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class Shipped:
    """One entry."""

    ships: Literal["layer", "image"]
    reason: str
    """For people."""
    build: bool = False
    """Of an image: its packages are built in it."""
    architecture: str | None = None
    """Of an image that is built in: the kind of machine it was first built on."""
    span: Span | None = field(default=None, compare=False)

    @property
    def implementation(self) -> str:
        return _IMPLEMENTATION[self.ships]


@dataclass(frozen=True, slots=True)
class Pin:
    """One bundle of guardrails, as it was when somebody took it."""

    source: str
    """Where it comes from, as `Source.shown` says it."""
    bundle: str
    version: str
    digest: str
    """sha256 of its text, hexadecimal."""


def read_lock(folder: Path, report: Report) -> dict[str, Shipped]:
    """How functions are shipped; mistakes go to the report."""
    text, data = _parts(folder, report)
    functions = data.get("functions", {})
    if not isinstance(functions, dict):
        _damaged(report, f"`functions` in `{LOCK_FILE}` must hold an entry for each function", Span(LOCK_FILE, 1))
        return {}
    entries = ((name, _entry(name, given, _line_of(text, name), report)) for name, given in functions.items())
    return {name: entry for name, entry in entries if entry is not None}


def read_pins(folder: Path, report: Report) -> dict[str, Pin]:
    """The pinned bundles by their source; mistakes go to the report."""
    text, data = _parts(folder, report)
    given = data.get("guardrails", {})
    found: dict[str, Pin] = {}
    for source, item in given.items() if isinstance(given, dict) else ():
        if not isinstance(item, dict) or set(item) != set(_PINNED) or not all(map(_is_text, item.values())):
            message = f"the entry of the bundle `{source}` in `{LOCK_FILE}` must give {one_of(_PINNED)}, as texts"
            at = _line_of(text, source, "guardrails")
            report.error("lock-file-damaged", message, at, helps=["take the file as it was committed"])
            continue
        found[source] = Pin(source, item["bundle"], item["version"], item["digest"])
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) < 200


def _parts(folder: Path, report: Report) -> tuple[str, dict[str, Any]]:
    """The file's text and what it holds; nothing where it can't be read, which the report is told."""
    path = folder / LOCK_FILE
    if not path.is_file():
        return "", {}
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = _LINE.search(str(error))
        _damaged(report, f"`{LOCK_FILE}` can't be read: {error}", Span(LOCK_FILE, int(found[1]) if found else 1))
        return "", {}
    if data.get("version") != _VERSION:
        message = f"`{LOCK_FILE}` is of version {data.get('version')!r}, this Klotho reads {_VERSION}"
        _damaged(report, message, Span(LOCK_FILE, 1))
        return "", {}
    for key in data.keys() - {"version", "functions", "guardrails"}:
        _damaged(report, f"`{LOCK_FILE}` has a part `{key}`, which nothing here knows", _line_of(text, key))
    if not isinstance(data.get("guardrails", {}), dict):
        _damaged(report, f"`guardrails` in `{LOCK_FILE}` must hold an entry for each bundle", Span(LOCK_FILE, 1))
    return text, data


def write_lock(folder: Path, entries: Mapping[str, Shipped]) -> Path:
    """The file with these entries, replaced as a whole; without any, and without a pinned bundle, there is none.

    Failure (`lock-file-not-written`) in a folder that takes none."""
    try:
        return _written(folder / LOCK_FILE, entries, read_pins(folder, Report()))
    except OSError as error:
        raise Failure(
            "lock-file-not-written",
            f"`{LOCK_FILE}` can't be written: {error.strerror or error}",
            notes=(f"it would say how {one_of(sorted(entries))} are shipped", "nothing was deployed"),
            helps=("run `klotho up` once where the program's folder may be written to, and commit the file",),
        ) from error


def write_pins(folder: Path, pins: Mapping[str, Pin]) -> Path:
    """The file with these bundles pinned, and the functions as they were. Failure (`lock-file-not-written`)."""
    try:
        return _written(folder / LOCK_FILE, read_lock(folder, Report()), pins)
    except OSError as error:
        raise Failure(
            "lock-file-not-written",
            f"`{LOCK_FILE}` can't be written: {error.strerror or error}",
            notes=(f"it would pin the bundles {one_of(sorted(pins))}",),
            helps=("run it once where the program's folder may be written to, and commit the file",),
        ) from error


def _written(path: Path, entries: Mapping[str, Shipped], pins: Mapping[str, Pin]) -> Path:
    if not entries and not pins:
        path.unlink(missing_ok=True)
        return path
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".klotho-", delete=False) as draft:
        draft.write(_text(entries, pins))
    Path(draft.name).chmod(0o644)
    Path(draft.name).replace(path)
    return path


def recorded(application: Application, entries: Mapping[str, Shipped], report: Report) -> Application:
    """The application with what the file says of functions that nobody else has said `use` of."""
    functions = {item.name: item for item in application.constructs if item.kind == _KIND}
    for name in sorted(entries.keys() - functions.keys()):
        helps = [did_you_mean(name, functions) or "delete its entry, unless another program of this folder has it"]
        message = f"`{LOCK_FILE}` tells of a function `{name}`, which the program does not have"
        report.warning("lock-entry-unused", message, entries[name].span, helps=helps)
    said = {item.subject for item in application.directives if item.action == "use"}
    added = tuple(
        _directive(functions[name], entry)
        for name, entry in sorted(entries.items())
        if name in functions and functions[name].id not in said
    )
    return replace(application, directives=(*application.directives, *added)) if added else application


def is_recorded(directive: Directive) -> bool:
    """Whether the file says it, and not the user."""
    return directive.action == "use" and directive.span is not None and directive.span.file == LOCK_FILE


def _directive(construct: Construct, entry: Shipped) -> Directive:
    properties: dict[str, Any] = {"build": True} if entry.build else {}
    if entry.architecture is not None and construct.properties.get("architecture") is None:
        properties["architecture"] = entry.architecture
    return Directive(construct.id, "use", entry.implementation, properties, entry.span)


def _entry(name: str, given: Any, at: Span, report: Report) -> Shipped | None:
    problem = _problem(given)
    if problem is not None:
        _damaged(report, f"the entry of `{name}` in `{LOCK_FILE}` {problem}", at)
        return None
    ships = cast("Literal['layer', 'image']", given["ships"])
    return Shipped(ships, given["reason"], given.get("build", False), given.get("architecture"), at)


def _problem(given: Any) -> str | None:
    if not isinstance(given, dict):
        return "holds no keys"
    if unknown := sorted(given.keys() - _KEYS):
        return f"has a key `{unknown[0]}`, which nothing here knows"
    if given.get("ships") not in _IMPLEMENTATION:
        return 'must say `ships = "layer"` or `ships = "image"`'
    if not isinstance(given.get("reason"), str):
        return "must give a `reason`, as text"
    if not isinstance(given.get("build", False), bool) or (given.get("build") and given["ships"] != "image"):
        return "may say `build = true` of an image only"
    if given.get("architecture") not in (None, "arm64", "x86_64"):
        return 'has another `architecture` than "arm64" or "x86_64"'
    return None


def _damaged(report: Report, message: str, at: Span) -> None:
    helps = ["take the file as it was committed, or delete what is wrong: `klotho up` finds it out again"]
    report.error("lock-file-damaged", message, at, helps=helps)


def _line_of(text: str, name: str, part: str = "functions") -> Span:
    """Where an entry begins."""
    wanted = {f"[{part}.{name}]", f"[{part}.{json.dumps(name)}]", f"[{name}]"}
    lines = enumerate(text.splitlines(), 1)
    return Span(LOCK_FILE, next((number for number, line in lines if line.strip() in wanted), 1))


def _text(entries: Mapping[str, Shipped], pins: Mapping[str, Pin]) -> str:
    head = _HEAD if entries else f"# Written by `klotho up`; commit it.\n\nversion = {_VERSION}\n"
    functions = ("\n" + "".join(_lines(name, entries[name])) for name in sorted(entries))
    note = "\n# Guardrails, as they were taken: `klotho upgrade` takes newer ones.\n" if pins else ""
    return head + "".join(functions) + note + "".join("\n" + "".join(_pin(pins[name])) for name in sorted(pins))


def _pin(pin: Pin) -> Iterator[str]:
    yield f"[guardrails.{json.dumps(pin.source, ensure_ascii=False)}]\n"
    for name in _PINNED:
        yield f"{name} = {json.dumps(getattr(pin, name), ensure_ascii=False)}\n"


def _lines(name: str, entry: Shipped) -> Iterator[str]:
    """TOML's basic strings are written as JSON's are."""
    yield f"[functions.{name if re.fullmatch(r'[A-Za-z0-9_-]+', name) else json.dumps(name)}]\n"
    yield f"ships = {json.dumps(entry.ships)}\n"
    if entry.build:
        yield "build = true\n"
    if entry.architecture is not None:
        yield f"architecture = {json.dumps(entry.architecture)}\n"
    yield f"reason = {json.dumps(entry.reason, ensure_ascii=False)}\n"
