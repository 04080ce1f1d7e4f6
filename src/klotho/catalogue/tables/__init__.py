"""Tables one could paste from AWS's documentation: TOML, no expressions, each with its source."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """A table by file name, without the ending."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))


def iam_actions(service: str, meaning: str) -> list[str]:
    """The IAM actions for a meaning such as `dynamodb` and `read`."""
    return list(table("iam")[service][meaning])
