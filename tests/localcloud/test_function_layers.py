"""Functions with large packages: found out by `up`, kept in klotho.lock, deployed with a layer and called."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.deploy.bootstrap import BUCKET_STEM
from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.place import Clients, Place
from klotho.deploy.target import LAMBDA
from klotho.driver.build import build
from klotho.driver.dev.lambda_swap import LambdaSwap
from klotho.driver.dev.units import Unit
from klotho.driver.program import find_program
from klotho.localcloud.identity import ACCOUNT
from tests.localcloud.aws_account import REGION, Account, account, settings

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """import klotho
from klotho import Compute

klotho.Application("shop", project="acme")
report = Compute.Function("report", handler="large/report.main", timeout=60)
small = Compute.Function("small", handler="small.main")
"""
BACKEND = """import random, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("model/__init__.py", "WORD = 'WORD_HERE'")
        wheel.writestr("model/weights.bin", random.Random(1).randbytes(12 * 1024 * 1024))
        wheel.writestr("model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: model\\nVersion: 1.0\\n")
        wheel.writestr("model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("model-1.0.dist-info/RECORD", "")
    return name
"""
HANDLER = """import os

import model


def main(event, context):
    here = os.path.dirname(__file__)
    size = os.path.getsize(os.path.join(os.path.dirname(model.__file__), "weights.bin"))
    return {"said": "one", "word": model.WORD, "size": size, "apart": not model.__file__.startswith(here)}
"""
FILES = {
    "infra.py": PROGRAM,
    "small.py": "def main(event, context):\n    return 'small'\n",
    "large/report.py": HANDLER,
    "large/requirements.txt": "./libs/model\n",
    "large/libs/model/pyproject.toml": '[project]\nname = "model"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
    "large/libs/model/backend.py": BACKEND.replace("WORD_HERE", "first"),
}
LOCK = """# How functions are shipped whose packages are large, or are not to be had for AWS Lambda.
# Written by `klotho up`; commit it. A function whose entry is deleted is looked at anew.

version = 1

[functions.report]
ships = "layer"
reason = "its packages are 12 MB zipped: model 12 MB"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("layers")) as found:
        found.write({**FILES, "klotho.yaml": settings()})
        yield found


def function(shop: Account, unit: str) -> dict[str, Any]:
    found = shop.client("lambda").list_functions()["Functions"]
    return next(dict(item) for item in found if item["Environment"]["Variables"]["KLOTHO_UNIT"] == unit)


def called(shop: Account, unit: str = "report") -> Any:
    answer = shop.client("lambda").invoke(FunctionName=function(shop, unit)["FunctionName"])
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload


def zips(shop: Account) -> dict[str, int]:
    """Sizes of what the artifact bucket holds of functions."""
    s3 = shop.client("s3")
    bucket = f"{BUCKET_STEM}-{ACCOUNT}-{REGION}"
    return {item["Key"]: item["Size"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="functions/")["Contents"]}


def layers(shop: Account) -> list[str]:
    """ARNs of the versions that stacks have."""
    cloudformation = shop.client("cloudformation")
    return [
        item["PhysicalResourceId"]
        for stack in shop.stacks()
        for item in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        if item["ResourceType"] == "AWS::Lambda::LayerVersion"
    ]


def up(shop: Account) -> dict[str, str]:
    found = shop.json("up", "--env", "prod", "--yes")
    return {stack["name"]: stack["result"] for stack in found["stacks"]}


def test_large_packages_become_a_layer_that_the_function_finds_and_klotho_lock_keeps_that(shop: Account) -> None:
    done = shop.klotho("up", "--env", "prod", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "report is shipped as a zip with a layer: its packages are 12 MB zipped" in done.stdout + done.stderr
    assert (shop.folder / "klotho.lock").read_text() == LOCK
    assert called(shop) == {"said": "one", "word": "first", "size": 12 * 1024 * 1024, "apart": True}
    assert [layer["Arn"] for layer in function(shop, "report")["Layers"]] == layers(shop)
    assert "Layers" not in function(shop, "small")
    sizes = sorted(zips(shop).values())
    assert sizes[-1] > 12 * 1024 * 1024 > 150 * 1024 > sizes[-2], "the packages are not in the code's zip"


def test_a_changed_line_sends_the_code_and_touches_nothing_else(shop: Account) -> None:
    before, versions = zips(shop), layers(shop)
    handler = shop.folder / "large/report.py"
    handler.write_text(HANDLER.replace("one", "two"))
    changed = {name: result for name, result in up(shop).items() if result != "unchanged"}
    assert changed == {"report-function": "updated"}
    sent = {key: size for key, size in zips(shop).items() if key not in before}
    assert len(sent) == 1 and max(sent.values()) < 150 * 1024
    assert layers(shop) == versions
    assert called(shop)["said"] == "two"


def test_klotho_dev_puts_only_the_code_in_place(shop: Account) -> None:
    handler, before, versions = shop.folder / "large/report.py", zips(shop), function(shop, "report")["Layers"]
    kept = handler.read_text()
    handler.write_text(HANDLER.replace("one", "swapped"))
    given = {"access_key": shop.connection.access_key, "secret_key": shop.connection.secret_key}
    place = Place(REGION, ACCOUNT, shop.connection.endpoint_url, bucket_stem=BUCKET_STEM, **given)
    packager = FunctionPackager(shop.folder, Path(shop.variables["XDG_CACHE_HOME"]) / "klotho", LAMBDA)
    assets = build(find_program(shop.folder), "prod").manifest.assets
    (asset,) = (item for item in assets if item.construct == "Compute.Function/report")
    unit = Unit(asset.construct, "function", function(shop, "report")["FunctionName"], asset)
    swap = LambdaSwap(Clients(place), packager, dict, lambda: ())
    assert swap.can(unit)
    swap.function(unit, packager.sources(asset.properties, lambda line: None))
    assert called(shop)["said"] == "swapped"
    assert function(shop, "report")["Layers"] == versions
    sent = {key: size for key, size in zips(shop).items() if key not in before}
    assert len(sent) == 1 and max(sent.values()) < 150 * 1024
    handler.write_text(kept)


def test_other_packages_are_another_version_and_the_one_before_is_not_left_behind(shop: Account) -> None:
    before = layers(shop)
    (shop.folder / "large/libs/model/backend.py").write_text(BACKEND.replace("WORD_HERE", "second"))
    assert up(shop)["report-function"] == "updated"
    assert called(shop)["word"] == "second"
    (after,) = layers(shop)
    assert after not in before
    assert len(list((shop.connection.state / "layers").glob("*.zip"))) == 1
    assert (shop.folder / "klotho.lock").read_text() == LOCK, "what was found out once stays as it is"


def test_a_rollback_brings_the_packages_of_then(shop: Account) -> None:
    history = shop.json("history", "--env", "prod")
    first = min(item["number"] for item in history["revisions"])
    done = shop.klotho("rollback", str(first), "--env", "prod", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (called(shop)["said"], called(shop)["word"]) == ("one", "first")


def test_another_machine_compiles_the_same_bytes_from_klotho_lock_without_a_network(
    shop: Account, tmp_path: Path
) -> None:
    other = tmp_path / "clone"
    shutil.copytree(shop.folder, other, ignore=shutil.ignore_patterns("compiled"))
    offline = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "UV_OFFLINE": "1",
        "PATH": os.environ["PATH"],
    }
    here, there = Account(shop.folder, shop.variables, shop.connection), None
    there = Account(other, {**shop.variables, **offline}, shop.connection)
    for place in (here, there):
        done = place.klotho("build", "--env", "prod")
        assert done.returncode == 0, done.stdout + done.stderr
    mine, theirs = (
        {
            path.relative_to(place.folder).as_posix(): path.read_bytes()
            for path in (place.folder / "compiled").rglob("*")
            if path.is_file()
        }
        for place in (here, there)
    )
    assert mine == theirs
    assert b"AWS::Lambda::LayerVersion" in mine["compiled/cloudformation/report-function.template.json"]
    assert not (tmp_path / "cache" / "klotho" / "dependencies").exists(), "nothing was installed for it"


def test_what_decides_is_shown_and_what_deploys_it_is_permitted(shop: Account) -> None:
    shop.klotho("build", "--env", "prod")
    chosen = json.loads((shop.folder / "compiled/resources.json").read_text())
    assert '"klotho.lock:6' in json.dumps(chosen) or '"file": "klotho.lock"' in json.dumps(chosen)
    assert "lambda-layer" in shop.klotho("explain", "Compute.Function").stdout
    policy = shop.klotho("permissions", "--env", "prod").stdout
    assert "lambda:PublishLayerVersion" in policy and "lambda:DeleteLayerVersion" in policy
    assert "is as it was deployed" in shop.klotho("drift", "--env", "prod").stderr
