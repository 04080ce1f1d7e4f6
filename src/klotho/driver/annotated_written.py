"""`compiled/klotho.yaml`: what klotho.yaml and the defaults come to, with every id and what was chosen for it.

Input: a program's klotho.yaml, the ids of its annotations and the implementations chosen. Output: the file's bytes: the
user's own with its comments, and what it does not say. The user's file is never changed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from klotho.annotations.findings import construct_name
from klotho.application import ConstructId
from klotho.driver.annotated_over import Ids, word_of
from klotho.driver.annotated_types import SECTIONS, Made
from klotho.driver.settings import FILE_NAME

_HEAD = "# Written by Klotho: what klotho.yaml comes to. Copy what you want to change into your own.\n"


def expanded(folder: Path, ids: Ids, choices: Mapping[ConstructId, str]) -> bytes:
    """`choices`: the implementation of each construct."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes, yaml.width = True, 4096
    path = folder / FILE_NAME
    data = yaml.load(path.read_text(encoding="utf-8")) if path.is_file() else None
    data = data if isinstance(data, dict) else {}
    for section in SECTIONS:
        for name, constructs in sorted(ids.get(section, {}).items()):
            entry = _entry(data, section, name)
            if "type" not in entry:
                kind = constructs[0].partition("/")[0]
                entry["type"] = word_of(section, Made(kind, choices[constructs[0]]))
    out = io.StringIO()
    out.write(_HEAD)
    yaml.dump(data, out)
    return out.getvalue().encode()


def _entry(data: Any, section: str, name: str) -> Any:
    """What the file says of an id, made where it says nothing."""
    if not data.get(section):
        data[section] = {}
    found = next((key for key in data[section] if construct_name(str(key)) == construct_name(name)), name)
    if not data[section].get(found):
        data[section][found] = {}
    return data[section][found]
