"""What AWS charges, as data: one TOML file a region, every row with its unit, date and source.

Input: a region. Output: its prices by item. Refuses nothing: a region or an item without a price has none, and whoever
asks says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Price(NamedTuple):
    """One row."""

    item: str
    """What rules ask for: `nat-gateway-hour`."""
    service: str
    unit: str
    """What `usd` is paid for one of."""
    usd: float | None
    """US dollars; None where it is not known."""
    region: str
    date: str
    """The last day the price is known to have been so."""
    source: str
    unknown: str = ""
    """Why it is not known."""


@cache
def prices(region: str) -> Mapping[str, Price]:
    """By item; empty for a region nobody has written down."""
    path = FOLDER / f"{region}.toml"
    if region not in priced_regions():
        return {}
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["price"]
    return {row["item"]: Price(**{"usd": None, **row}) for row in rows}


@cache
def priced_regions() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
