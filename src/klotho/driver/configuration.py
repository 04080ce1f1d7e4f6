"""`klotho config`: single settings of klotho.yaml by dotted key.

Input: a folder, a key (`environments.prod.region`), a text. Output: values, or the changed file. Refuses what every
other command would refuse of klotho.yaml (`settings_file`), what compiling the program beside it would refuse of its
constructs, and, for reading, a key that is not set (exit 6, with the nearest).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from klotho.diagnostics import Diagnostic, ExitCode, Failure, ProgramError, did_you_mean, one_of
from klotho.driver.build import build
from klotho.driver.program import PROGRAM_NAME, Program, find_program, refuse_mistaken_settings
from klotho.driver.settings import FILE_NAME, Settings
from klotho.driver.settings_file import Key, write_settings


def key_of(text: str, environment: str | None) -> Key:
    """`region` of `prod`, or `environments.prod.region`. Failure (`usage`) for what is no key."""
    parts = tuple(text.split("."))
    if not all(parts):
        raise Failure(
            "usage",
            f"`{text}` is no key",
            helps=("write names with dots between them: `environments.prod.region`, or `region --env prod`",),
            exit_code=ExitCode.USAGE,
        )
    return parts if environment is None else ("environments", environment, *parts)


def set_value(folder: Path, key: Key, text: str) -> Any:
    """Write the setting and return it as it was understood: `true`, a list in brackets, else a text."""
    value = _understood(text)
    # Digits may be a text, such as the number of an account.
    refused: ProgramError | None = None
    for candidate in (value, text):
        try:
            write_settings(folder, {key: candidate}, lambda settings: _refuse_misfit(folder, key, settings))
        except ProgramError as error:
            refused = refused or error
        else:
            return candidate
    assert refused is not None
    # Its lines are those of a file that was not written.
    raise ProgramError([replace(item, labels=()) for item in refused.diagnostics])


def _refuse_misfit(folder: Path, key: Key, settings: Settings) -> None:
    """ProgramError with what the program would be refused for with these settings, and was not before.

    Only of keys about constructs; a program that has mistakes of its own is judged as far as it goes.
    """
    environment = key[1] if key[0] == "environments" and len(key) > 1 else None
    if "constructs" not in (key[0], *key[2:3]) or not (folder / PROGRAM_NAME).is_file():
        return
    before = find_program(folder)
    known = {(item.code, item.message) for item in _mistakes(before, environment)}
    mistakes = _mistakes(replace(before, settings=settings, diagnostics=()), environment)
    fresh = [item for item in mistakes if (item.code, item.message) not in known]
    if fresh:
        raise ProgramError(fresh)


def _mistakes(program: Program, environment: str | None) -> list[Diagnostic]:
    try:
        build(program, environment)
    except ProgramError as error:
        return list(error.diagnostics)
    except Failure as failure:
        return [failure.diagnostic]
    return []


def value_at(folder: Path, key: Key) -> Any:
    """What the file says. Failure (`setting-not-set`, exit 6) with the nearest key."""
    known = dict(values(folder))
    found: Any = _data(folder)
    for name in key:
        found = found.get(name) if isinstance(found, Mapping) else None
    if found is None:
        shown = ".".join(key)
        raise Failure(
            "setting-not-set",
            f"{FILE_NAME} does not set `{shown}`",
            notes=(f"it sets {one_of(sorted(known))}" if known else "it sets nothing",),
            helps=(did_you_mean(shown, known),),
            exit_code=ExitCode.NOT_FOUND,
        )
    return found


def values(folder: Path) -> Iterator[tuple[str, Any]]:
    """Every setting by its dotted key, in the file's order."""
    yield from _flat(_data(folder), ())


def _flat(data: Any, above: Sequence[str]) -> Iterator[tuple[str, Any]]:
    if isinstance(data, Mapping) and (data or not above):
        for name, value in data.items():
            yield from _flat(value, (*above, str(name)))
    else:
        yield ".".join(above), data


def _data(folder: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    path = folder / FILE_NAME
    try:
        data = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (YAMLError, OSError, UnicodeDecodeError):
        refuse_mistaken_settings(folder)  # which says where
        raise
    return data if isinstance(data, Mapping) else {}


def _understood(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe").load(text)
    except (YAMLError, ValueError):
        return text
    return value if isinstance(value, bool | int | float | list) else text
