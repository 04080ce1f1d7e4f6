"""Renews `src/klotho/catalogue/prices` from AWS's public price list. Needs the network; no account.

    python tools/refresh_prices.py [REGION]…

Input: the tables as they are, `tools/price_offers.toml`, the offer files of
https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/OFFER/current/REGION/index.json. Output: the tables, with `usd`,
`date` and `source` of every item that the list has one price for; of volume tiers the first paid one. Items that it has
none or several prices for stay as they are and are named.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
PRICES = ROOT / "src/klotho/catalogue/prices"
OFFERS = ROOT / "tools/price_offers.toml"
LIST = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
_HEADER = re.compile(r"\A(?:#[^\n]*\n)*")

Fetch = Callable[[str], Mapping[str, Any]]
"""From an address to the offer file there."""


def offer_address(offer: str, region: str) -> str:
    return f"{LIST}/{offer}/current/{region}/index.json"


def fetched(address: str) -> Mapping[str, Any]:
    with urlopen(address, timeout=300) as answer:  # the address is ours
        return dict(json.load(answer))


def matching(offer: Mapping[str, Any], wanted: Mapping[str, str]) -> Iterator[str]:
    """The keys of the products with these attributes; regions put a prefix before a usage type."""
    usage = re.compile(rf"(?:[A-Z]{{2,4}}\d?-)?{re.escape(wanted['usagetype'])}")
    others = {name: value for name, value in wanted.items() if name not in ("offer", "usagetype", "scale")}
    for key, product in offer["products"].items():
        attributes = {**product["attributes"], "productFamily": product.get("productFamily")}
        if usage.fullmatch(attributes.get("usagetype", "")) and others.items() <= attributes.items():
            yield key


def first_paid(offer: Mapping[str, Any], product: str) -> Decimal | None:
    """US dollars on demand, in the first tier that costs something."""
    dimensions = [
        dimension
        for term in offer["terms"].get("OnDemand", {}).get(product, {}).values()
        for dimension in term["priceDimensions"].values()
    ]
    tiers = sorted(dimensions, key=lambda item: Decimal(item.get("beginRange", "0")))
    prices = [Decimal(item["pricePerUnit"]["USD"]) for item in tiers if "USD" in item["pricePerUnit"]]
    return next((price for price in prices if price), None)


def price_of(offer: Mapping[str, Any], wanted: Mapping[str, Any]) -> Decimal | None:
    """None where the list has none or several."""
    found = {price for product in matching(offer, wanted) if (price := first_paid(offer, product)) is not None}
    return found.pop() * Decimal(str(wanted.get("scale", 1))) if len(found) == 1 else None


def renewed(text: str, offers: Mapping[str, Mapping[str, Any]], fetch: Fetch) -> tuple[str, list[str]]:
    """A table's text with the prices of now, and the items that stay as they were."""
    rows, kept, files = tomllib.loads(text)["price"], [], dict[str, Mapping[str, Any]]()
    for row in rows:
        wanted = offers.get(row["item"])
        address = offer_address(wanted["offer"], row["region"]) if wanted else ""
        if address and address not in files:
            files[address] = fetch(address)
        usd = price_of(files[address], wanted) if wanted else None
        if usd is None:
            kept.append(row["item"])
            continue
        row.pop("unknown", None)
        row |= {"usd": usd, "date": str(files[address]["publicationDate"])[:10], "source": address}
    header = _HEADER.match(text)
    return f"{header.group() if header else ''}\n" + "\n".join(map(_row, rows)), kept


def _row(row: Mapping[str, Any]) -> str:
    order = ("service", "item", "unit", "usd", "unknown", "region", "date", "source")
    lines = [f"{name} = {_value(row[name])}" for name in order if name in row]
    return "\n".join(["[[price]]", *lines, ""])


def _value(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    text = format(Decimal(str(value)).normalize(), "f")
    return text if "." in text else f"{text}.0"


def main() -> None:
    offers = tomllib.loads(OFFERS.read_text(encoding="utf-8"))
    for region in sys.argv[1:] or sorted(path.stem for path in PRICES.glob("*.toml")):
        path = PRICES / f"{region}.toml"
        text, kept = renewed(path.read_text(encoding="utf-8"), offers, fetched)
        path.write_text(text, encoding="utf-8")
        print(f"{region}: as they were: {', '.join(kept) or 'none'}")


if __name__ == "__main__":
    main()
