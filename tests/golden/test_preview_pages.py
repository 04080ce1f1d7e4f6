"""Whole outputs of `klotho preview` in situations people meet. `pytest --bless`, then read the difference as prose."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.cli.preview_page import Page
from tests.conftest import CompareGolden
from tests.unit.deploy.imagined import Imagined, imagined, previewed

PAGES = Path(__file__).parent / "previews"
SHOP = """import klotho
from klotho import API, Compute, Databases, Messaging

klotho.Application("shop", project="acme")
orders_db = Databases.Postgres(name="orders_db")
carts = Databases.KeyValue(name="carts", key="id")
orders = Compute.Function(name="orders", handler="work.handler")
orders.reads_from(orders_db)
orders.reads_from(carts)
api = API(name="front")
api.attach_service(orders, route="/orders")
"""
WITH_SIGN_IN = SHOP.replace(
    'api = API(name="front")\n',
    """from klotho import Auth

users = Auth.UserPool(name="users")
api = API(name="front")
api.authenticates_with(users)
""",
)
SITUATIONS: dict[str, tuple[str | None, str, str]] = {
    "first-deploy": (None, SHOP, ""),
    "nothing": (SHOP, SHOP, ""),
    "route-added": (SHOP, f'{SHOP}api.attach_service(orders, route="/returns")\n', ""),
    "database-replaced": (SHOP, SHOP.replace('key="id"', 'key="sku"'), ""),
    "database-removed": (
        SHOP,
        "".join(line for line in SHOP.splitlines(keepends=True) if "carts" not in line),
        "",
    ),
    "permissions-widened": (
        SHOP,
        SHOP.replace("orders.reads_from(carts)", "orders.read_writes_to(carts)").replace(
            "orders.reads_from(orders_db)", "orders.read_writes_to(orders_db)"
        ),
        "",
    ),
    "sign-in-removed": (WITH_SIGN_IN, SHOP, ""),
    "new-values": (
        SHOP,
        SHOP.replace(
            'handler="work.handler")',
            'handler="work.handler", memory=1024, environment={"API_TOKEN": "hunter2-hunter2", "STAGE": "prod"})',
        ),
        "diff",
    ),
    "queue-added-verbose": (
        SHOP,
        f'{SHOP}mails = Messaging.Queue(name="mails")\norders.sends_to(mails)\n',
        "verbose",
    ),
}


def page(found_from: Imagined | None, after: Imagined, how: str = "") -> str:
    found = previewed(found_from, after)
    shown = Page(found, after.built.spans, lambda text, style: text, diff=how == "diff", verbose=how == "verbose")
    return "".join(f"{line}\n" for line in shown.lines())


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_page_of(situation: str, tmp_path: Path, golden: CompareGolden) -> None:
    before, after, how = SITUATIONS[situation]
    there = imagined(tmp_path / "before", before) if before else None
    text = page(there, imagined(tmp_path / "after", after), how)
    assert "hunter2" not in text
    golden(PAGES / f"{situation}.txt", text)


def test_the_page_of_a_changed_line_of_code(tmp_path: Path, golden: CompareGolden) -> None:
    there, after = imagined(tmp_path, SHOP), imagined(tmp_path, SHOP, code="bbbb2222")
    golden(PAGES / "code-changed.txt", page(there, after))
