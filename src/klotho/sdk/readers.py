"""Readers: each turns one argument into plain JSON, or says what it must be.

Input: any object; output: JSON values; refuses by raising `Wrong`, which the binder turns into diagnostics. Values of
mappings and lists are never shown in messages, because they may hold secrets.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from klotho.application import parse_text
from klotho.diagnostics import did_you_mean, one_of
from klotho.sdk.recording import current

Reader = Callable[[Any], Any]

_LARGEST = 2**53
"""Beyond it JSON readers disagree about whole numbers."""
_DEEPEST = 40


class Titled:
    """A construct, as far as readers know it."""

    __slots__ = ()

    def _title(self) -> str:
        """How messages name it: `Compute.Container "orders"`."""
        raise NotImplementedError

    def _output_names(self) -> list[str]:
        """The outputs that may be written into text."""
        raise NotImplementedError


class Problem(NamedTuple):
    expected: str
    """Reads on from "must be": "a whole number of MB"."""
    found: str | None
    """What was found instead, for the end of the sentence."""
    helps: tuple[str | None, ...] = ()
    where: str = ""
    """Where in the argument: `["PORT"]`."""
    code: str = "wrong-argument"
    key: object = None
    """The key of the item at fault, where the argument is a mapping."""
    at_key: bool = False
    """Whether the key itself is at fault."""


class Wrong(Exception):
    """A value is not what the parameter takes; holds every problem found in it, and what of it is right."""

    def __init__(self, *problems: Problem, partial: Any = None) -> None:
        super().__init__(problems)
        self.problems = problems
        self.partial = partial
        """What later checks can look at all the same; None for nothing."""


def wrong(expected: str, value: Any, *helps: str | None, where: str = "", code: str = "wrong-argument") -> Wrong:
    return Wrong(Problem(expected, shown(value), helps, where, code))


def shown(value: Any) -> str:
    """A value as a message names it; contents only of single values."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, str):
        text = str.__str__(value)
        return _shown_output(text) if "${klotho:" in text else f'"{printable(text)}"'
    if type(value) in (int, float):
        return repr(value) if abs(value) < _LARGEST else "such a large number"
    if isinstance(value, Titled):
        return value._title()
    if isinstance(value, list | tuple | dict) and not len(value):
        return f"an empty {type(value).__name__}"
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    article = "the class" if isinstance(value, type) else "an" if name[:1].lower() in "aeiou" else "a"
    return f"{article} {name}"


def _shown_output(text: str) -> str:
    """An output by what it is an output of; its token means nothing to the user."""
    pieces = parse_text(text)
    if len(pieces) != 1 or isinstance(pieces[0], str):
        return "a text with an output in it"
    kind, _, name = pieces[0].construct.partition("/")
    return f'the {pieces[0].output} of {kind} "{printable(name)}"'


def printable(plain: str) -> str:
    """Text for a message: one line, not long, nothing a terminal would obey."""
    clipped = plain if len(plain) <= 40 else plain[:37] + "…"
    return clipped if clipped.isprintable() else clipped.encode("unicode_escape").decode("ascii")


def text(value: Any) -> str:
    """Text that can be written as UTF-8."""
    if not isinstance(value, str):
        raise wrong("text", value, _name_help(value))
    plain = str.__str__(value)
    if "\0" in plain or not _is_utf8(plain):
        raise wrong("text that can be written as UTF-8 without NUL", value)
    return plain


def some_text(value: Any) -> str:
    """Text that is not empty."""
    plain = text(value)
    if not plain.strip():
        raise wrong("text that is not empty", value)
    return plain


def path(value: Any) -> str:
    """A relative path with `/`, without `./` in front."""
    plain = some_text(os.fspath(value) if isinstance(value, os.PathLike) else value)
    if "\\" in plain:
        raise wrong("a path with `/` between its parts", value, f'write `"{plain.replace(chr(92), "/")}"`')
    if plain.startswith("/"):
        plain = os.path.relpath(plain, current().sources.root)
    kept = [part for part in plain.split("/") if part not in ("", ".")]
    return "/".join(kept) or "."


def url_path(value: Any) -> str:
    """A path of a URL, as a health check asks for it."""
    plain = text(value)
    if not plain.startswith("/") or not plain.isprintable() or " " in plain:
        raise wrong("a path that starts with `/`, such as `/health`", value)
    return plain


def whole(low: int, high: int = _LARGEST, unit: str = "") -> Reader:
    """A whole number in a range, both ends included."""
    what = f"a whole number{f' of {unit}' if unit else ''}"
    limits = f"from {low} to {high}" if high != _LARGEST else f"of at least {low}" if not unit else f"(at least {low})"

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            helps = f"write {value} without quotes" if isinstance(value, str) and value.isdecimal() else None
            raise wrong(f"{what} {limits}", value, helps if helps and len(value) < 20 else None)
        return int(value)

    return read


def number(low: float, high: float = math.inf, unit: str = "") -> Reader:
    """A number in a range, both ends included."""
    limits = f"from {low:g} to {high:g}" if high != math.inf else f"of at least {low:g}"
    what = f"a number {limits}" + (f" ({unit})" if unit else "")

    def read(value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise wrong(what, value)
        if not low <= value <= high or abs(value) > _LARGEST:
            raise wrong(what, value)
        return int(value) if isinstance(value, int) else float(value)

    return read


def amount(unit: str = "") -> Reader:
    """A number from 0, or the least and the most of one."""
    plain = number(0, unit=unit)

    def read(value: Any) -> int | float | list[int | float]:
        if not isinstance(value, list | tuple):
            return plain(value)  # type: ignore[no-any-return]  # what `number` gives
        if len(value) != 2:
            raise wrong("a number, or the least and the most: `(1_000, 50_000)`", value)
        low, high = (inside(plain, item, f"[{index}]") for index, item in enumerate(value))
        if low > high:
            raise wrong("the least and the most, in this order", value, f"write `({high}, {low})`")
        return [low, high]

    return read


GOALS = ("cost", "latency", "availability", "operability")


def objective(value: Any) -> str | dict[str, float]:
    """A goal, or weights by goal."""
    if isinstance(value, str):
        return choice(*GOALS)(value)  # type: ignore[no-any-return]  # what `choice` gives
    weights = mapping(value, f"one of {one_of(GOALS)}, or weights such as `{{'cost': 0.7, 'latency': 0.3}}`")
    read = {}
    for name, weight in weights.items():
        inside(choice(*GOALS), name, f"[{shown(name)}]")
        read[name] = inside(number(0), weight, f"[{shown(name)}]")
    if not any(read.values()):
        raise wrong("weights of which one is more than 0", value)
    return read


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong("True or False", value)
    return value


def choice(*names: str) -> Reader:
    """One of the names, as text."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            hint = did_you_mean(value, names) if isinstance(value, str) else None
            raise wrong(f"one of {one_of(names)}", value, hint)
        return str.__str__(value)

    return read


def matching(pattern: str, expected: str) -> Reader:
    compiled = re.compile(pattern)

    def read(value: Any) -> str:
        plain = text(value)
        if not compiled.fullmatch(plain):
            raise wrong(expected, value)
        return plain

    return read


def texts(value: Any) -> list[str]:
    """A list of texts."""
    if isinstance(value, str):
        parts = ", ".join(f'"{part}"' for part in value.split()[:4])
        raise wrong("a list of texts", value, f"write `[{parts}]`" if parts and len(value) < 80 else None)
    if not isinstance(value, list | tuple):
        raise wrong("a list of texts", value)
    return [inside(text, item, f"[{index}]") for index, item in enumerate(value)]


def mapping(value: Any, what: str) -> dict[str, Any]:
    """A mapping with text keys; values as they are."""
    if not isinstance(value, Mapping):
        raise wrong(what, value)
    for key in value:
        if not isinstance(key, str):
            raise wrong(f"{what}, with text as keys", key)
    return {inside(text, key, f"[{shown(key)}]"): item for key, item in value.items()}


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def environment(value: Any) -> dict[str, str]:
    """Environment variables as text; True and False become `true` and `false`, as most configuration readers want."""
    if not isinstance(value, Mapping):
        raise wrong('a mapping such as `{"LOG_LEVEL": "info"}`', value)
    read: dict[str, str] = {}
    problems: list[Problem] = []
    for key, item in value.items():
        name = str.__str__(key) if isinstance(key, str) else None
        if name is None or not _VARIABLE.fullmatch(name):
            expected = "named with letters, digits and `_`, not starting with a digit"
            problems.append(Problem(expected, None, where=f"[{shown(key)}]", key=key, at_key=True))
        else:
            read[name] = ""
        try:
            text_of_item = _variable_text(item)
        except Wrong as error:
            problems += [problem._replace(where=f"[{shown(key)}]", key=key) for problem in error.problems]
        else:
            if name in read:
                read[name] = text_of_item
    if problems:
        raise Wrong(*problems, partial=read)
    return read


_WHOLE_OUTPUT = re.compile(r"\$\{klotho:[^}#]+#[A-Za-z_][A-Za-z0-9_]*\}")
_CHANGED_OUTPUT = re.compile(r"\$\{klotho:", re.IGNORECASE)
"""What `db.endpoint.upper()` or a slice leaves of an output's token: nothing would resolve it."""


def _variable_text(value: Any) -> str:
    expected = "text, a number, True, False or an output such as `service.url`"
    if isinstance(value, Titled):
        outputs = value._output_names()
        helps = [f"say which of its values: {one_of(f'.{name}' for name in outputs)}"] if outputs else []
        raise wrong(expected, value, *helps)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if abs(value) > _LARGEST or not math.isfinite(value):
            raise Wrong(Problem(expected, "such a large number"))
        return repr(value + 0)
    if not isinstance(value, str):
        raise wrong(expected, value)
    plain = text(value)
    if _CHANGED_OUTPUT.search(_WHOLE_OUTPUT.sub("", plain)):
        help_text = "use the output whole, and change it in the service: it is known only at deploy"
        raise Wrong(Problem("text", "a part or a changed form of an output", (help_text,)))
    if "<" in plain and (inside := _construct_in(plain)):
        raise Wrong(
            Problem("text", f"a text with {inside} in it", ("put one of its outputs there, such as `service.url`",))
        )
    return plain


def _construct_in(plain: str) -> str | None:
    """A construct that was put into text by an f-string."""
    return next((item.title for item in current().constructs if f"<{item.title}>" in plain), None)


def json_value(value: Any, depth: int = 0) -> Any:
    """Any JSON value; tuples become lists."""
    if depth > _DEEPEST:
        raise Wrong(Problem("a JSON value", "one that is nested so deeply or holds itself"))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > _LARGEST:
            raise wrong("a JSON value", value)
        return value + 0
    if isinstance(value, list | tuple):
        return [json_value(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {key: json_value(item, depth + 1) for key, item in mapping(value, "a JSON value").items()}
    raise wrong("a JSON value", value)


def json_mapping(value: Any) -> dict[str, Any]:
    """A mapping of JSON values that is not empty."""
    if not isinstance(value, Mapping) or not value:
        raise wrong("a mapping of properties that is not empty", value)
    read = json_value(value)
    assert isinstance(read, dict)
    return read


def inside(reader: Reader, value: Any, where: str) -> Any:
    """Read a part of an argument; problems say where it stands."""
    try:
        return reader(value)
    except Wrong as error:
        raise Wrong(*(item._replace(where=where + item.where) for item in error.problems)) from None


def _is_utf8(plain: str) -> bool:
    try:
        plain.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name_help(value: Any) -> str | None:
    return "give its name, as text" if isinstance(value, Titled) else None
