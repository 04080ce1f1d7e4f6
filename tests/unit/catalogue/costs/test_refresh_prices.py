"""`tools/refresh_prices.py` against a small answer in the form of AWS's offer files (only what the script reads)."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from typing import Any

from klotho.catalogue.prices import FOLDER, priced_regions

TOOLS = Path(__file__).parents[4] / "tools"
_spec = importlib.util.spec_from_file_location("refresh_prices", TOOLS / "refresh_prices.py")
assert _spec is not None
assert _spec.loader is not None
refresh_prices: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(refresh_prices)


def _product(sku: str, usagetype: str, *tiers: tuple[str, str], **attributes: str) -> tuple[dict[str, Any], Any]:
    family = attributes.pop("productFamily", "")
    dimensions = {
        f"{sku}.{begin}": {"unit": "Hrs", "beginRange": begin, "pricePerUnit": {"USD": usd}} for begin, usd in tiers
    }
    product = {"sku": sku, "productFamily": family, "attributes": {"usagetype": usagetype, **attributes}}
    return product, {f"{sku}.JRTCKXETXF": {"priceDimensions": dimensions}}


RECORDED = [
    _product("A", "EUC1-NatGateway-Hours", ("0", "0.0520000000")),
    _product("B", "EUC1-NatGateway-Bytes", ("0", "0.0520000000")),
    _product("C", "EUC1-InstanceUsage:db.t4g.micro", ("0", "0.0190000000"), databaseEngine="PostgreSQL"),
    _product("D", "EUC1-InstanceUsage:db.t4g.micro", ("0", "0.0180000000"), databaseEngine="MySQL"),
    _product("E", "EUC1-ReadRequestUnits", ("0", "0.0000000000"), ("1", "0.0000001525")),
    _product("F", "EUC1-LCUUsage", ("0", "0.0080000000"), productFamily="Load Balancer-Application"),
    _product("G", "EUC1-LCUUsage", ("0", "0.0060000000"), productFamily="Load Balancer-Network"),
    _product("H", "EUC1-Fargate-GB-Hours", ("0", "0.0051100000")),
    _product("I", "EUC1-Fargate-GB-Hours", ("0", "0.0060000000"), tenancy="another"),
]
OFFER = {
    "publicationDate": "2026-11-20T18:00:00Z",
    "products": {product["sku"]: product for product, _ in RECORDED},
    "terms": {"OnDemand": {product["sku"]: term for product, term in RECORDED}},
}
TABLE = "# Kept.\n\n" + "\n".join(
    f'[[price]]\nservice = "S"\nitem = "{item}"\nunit = "u"\n{price}\nregion = "eu-central-1"\n'
    f'date = "2025-01-31"\nsource = "https://aws.amazon.com/"\n'
    for item, price in (
        ("nat-gateway-hour", "usd = 0.1"),
        ("rds-postgres-db.t4g.micro-hour", "usd = 0.1"),
        ("rds-mysql-db.t4g.micro-hour", 'unknown = "nobody looked"'),
        ("dynamodb-read", "usd = 0.1"),
        ("nlb-lcu-hour", "usd = 0.1"),
        ("fargate-x86-gb-hour", "usd = 0.1"),
        ("secret-month", "usd = 0.4"),
    )
)


def renewed() -> tuple[dict[str, Any], list[str], str]:
    offers = tomllib.loads((TOOLS / "price_offers.toml").read_text(encoding="utf-8"))
    text, kept = refresh_prices.renewed(TABLE, offers, lambda address: OFFER)
    return {row["item"]: row for row in tomllib.loads(text)["price"]}, kept, text


def test_prices_are_those_of_the_list_with_its_date_and_address() -> None:
    rows, _, text = renewed()
    assert text.startswith("# Kept.\n")
    assert rows["nat-gateway-hour"]["usd"] == 0.052
    assert rows["nat-gateway-hour"]["date"] == "2026-11-20"
    assert rows["nat-gateway-hour"]["source"].endswith("/AmazonEC2/current/eu-central-1/index.json")
    assert rows["rds-postgres-db.t4g.micro-hour"]["usd"] == 0.019
    assert rows["nlb-lcu-hour"]["usd"] == 0.006


def test_a_price_that_was_unknown_is_known_then() -> None:
    row = renewed()[0]["rds-mysql-db.t4g.micro-hour"]
    assert row["usd"] == 0.018
    assert "unknown" not in row


def test_free_tiers_are_not_the_price() -> None:
    assert renewed()[0]["dynamodb-read"]["usd"] == 1.525e-7


def test_items_with_several_prices_or_without_an_offer_stay_and_are_named() -> None:
    rows, kept, _ = renewed()
    assert kept == ["fargate-x86-gb-hour", "secret-month"]
    assert rows["fargate-x86-gb-hour"]["date"] == "2025-01-31"


def test_every_offer_is_for_an_item_of_the_tables() -> None:
    offers = tomllib.loads((TOOLS / "price_offers.toml").read_text(encoding="utf-8"))
    for region in priced_regions():
        items = {row["item"] for row in tomllib.loads((FOLDER / f"{region}.toml").read_text())["price"]}
        assert set(offers) <= items
