"""What each function of each example ships, name by name: nothing that is not needed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.target import LAMBDA
from klotho.driver.build import build
from klotho.driver.program import find_program
from klotho.runtime import assets
from tests.examples.deployment import EXAMPLES

pytestmark = pytest.mark.examples

ZIPS: dict[str, set[str]] = {
    "chicken-auction: Compute.Function/auctions": {
        "auctions/handler.mjs",
        "auctions/messages.mjs",
        "auctions/store.mjs",
        "auctions/ulid.mjs",
        "auctions/validation.mjs",
    },
    "chicken-auction: Compute.Function/bidder": {
        "auctions/bidder.mjs",
        "auctions/store.mjs",
    },
    "chicken-auction: Compute.Function/chickens": {
        "chickens/__init__.py",
        "chickens/handler.py",
        "chickens/messages.py",
        "chickens/ulid.py",
        "chickens/validation.py",
    },
    "chicken-auction: Compute.Function/notifier": {
        "chickens/__init__.py",
        "chickens/notifier.py",
    },
    "guestbook: Compute.Function/book": {
        "functions/book.py",
    },
    "multi-tier: Compute.Function/discount": {
        "functions/discount.mjs",
    },
    "multi-tier: Compute.Function/report": {
        "asn1crypto (package)",
        "dateutil (package)",
        "functions/report.py",
        "pg8000 (package)",
        "scramp (package)",
        "six.py (package)",
    },
    "multi-tier: Databases.Postgres/orders_db": {
        "asn1crypto (package)",
        "dateutil (package)",
        "klotho (package)",
        "pg8000 (package)",
        "pymysql (package)",
        "scramp (package)",
        "six.py (package)",
    },
    "search-the-deck: Compute.Function/ocr": {
        "functions/ocr.py",
        "functions/slides.py",
    },
    "search-the-deck: Compute.Function/resize": {
        "functions/resize.py",
        "functions/slides.py",
    },
    "search-the-deck: Compute.Function/search": {
        "functions/search.py",
    },
    "users: Databases.Postgres/users_db": {
        "asn1crypto (package)",
        "dateutil (package)",
        "klotho (package)",
        "pg8000 (package)",
        "pymysql (package)",
        "scramp (package)",
        "six.py (package)",
    },
}
"""By construct; packages by their top-level name. The runtime SDK is in all of them, and not said."""


def shipped(path: Path) -> set[str]:
    sdk = {*assets.python_files(), *assets.node_files()}
    names = set(zipfile.ZipFile(path).namelist())
    assert names >= set(assets.python_files()) or names >= set(assets.node_files())
    return names - sdk


@pytest.mark.parametrize("example", sorted(path.parent.name for path in EXAMPLES.glob("*/infra.py")))
def test_the_zips_of_an_example_hold_what_is_needed(example: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    built = build(find_program(EXAMPLES / example), None)
    packager = FunctionPackager(EXAMPLES / example, tmp_path_factory.getbasetemp() / "zips", LAMBDA)
    found = {}
    for asset in built.manifest.assets:
        if asset.type == "zip":
            path = packager.package(asset.properties, lambda line: None).path
            files = shipped(path)
            own = {name for name in files if (EXAMPLES / example / name).is_file()}
            packages = {name.split("/")[0] for name in files - own if ".dist-info/" not in name}
            found[f"{example}: {asset.construct}"] = own | {f"{name} (package)" for name in packages}
    assert found == {name: files for name, files in ZIPS.items() if name.startswith(f"{example}: ")}
