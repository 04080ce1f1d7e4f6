"""Writes klotho.yaml: single keys are set or removed, everything else stays as a person wrote it.

Input: a folder and values by dotted key. Output: the file, replaced as a whole. Refuses, with nothing written, a file
that is no YAML and every value that a later command would refuse: the same reader judges the result.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from klotho.diagnostics import Failure, ProgramError, Report
from klotho.driver.settings import FILE_NAME, Settings, parse_settings

Key = tuple[str, ...]


def write_settings(
    folder: Path, values: Mapping[Key, Any], judge: Callable[[Settings], None] = lambda settings: None
) -> Path:
    """Set each key to its value, or remove it where that is None; returns the file.

    `judge` is shown what the file would say, and raises what else is wrong with it.
    """
    path = folder / FILE_NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = edited(text, values)
    report = Report()
    settings = parse_settings(changed, report)
    if report.errors:
        raise ProgramError(report.errors)
    judge(settings)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=".klotho-", delete=False) as draft:
        draft.write(changed)
    Path(draft.name).replace(path)
    return path


def edited(text: str, values: Mapping[Key, Any]) -> str:
    """The text with the keys set, comments and order kept."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 120
    try:
        data = yaml.load(text)
    except YAMLError as error:
        raise Failure("settings-unreadable", f"`{FILE_NAME}` is no valid YAML: {error}") from error
    if data is None:
        data = CommentedMap()
    for key, value in values.items():
        _set(data, key, value)
    out = io.StringIO()
    yaml.dump(data, out)
    # A file of comments only has nothing that they could be kept with.
    return text.rstrip("\n") + "\n" + out.getvalue() if text.strip() and not _has_keys(text) else out.getvalue()


def _has_keys(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _set(data: Any, key: Key, value: Any) -> None:
    from ruamel.yaml.comments import CommentedMap

    for name in key[:-1]:
        if not isinstance(data, Mapping):
            raise Failure("settings-shape", f"`{'.'.join(key[:-1])}` in {FILE_NAME} holds no keys")
        if not isinstance(data.get(name), Mapping):
            if data.get(name) is not None:
                raise Failure("settings-shape", f"`{name}` in {FILE_NAME} holds no keys")
            data[name] = CommentedMap()  # type: ignore[index]
        data = data[name]
    if not isinstance(data, Mapping):
        raise Failure("settings-shape", f"`{FILE_NAME}` holds no keys")
    if value is None:
        data.pop(key[-1], None)  # type: ignore[attr-defined]
    else:
        data[key[-1]] = value  # type: ignore[index]
