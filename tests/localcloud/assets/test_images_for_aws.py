"""Images for AWS are built by a real engine, pushed to a real registry, pinned by digest, and not built twice."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from image_registry import Ecr, EcrClients, Registry, engine_and_registry

from klotho.deploy.bootstrap import REPOSITORY
from klotho.deploy.functions.package import FunctionPackager, FunctionZip
from klotho.deploy.images.ecr import EcrImages, image_tag
from klotho.deploy.images.engine import Engine, find_engine
from klotho.deploy.place import Clients
from klotho.deploy.target import LAMBDA
from klotho.diagnostics import Failure
from klotho.resources import PackageAsset

pytestmark = pytest.mark.localcloud
DOCKERFILE = 'FROM scratch\nARG LEVEL=low\nLABEL level=$LEVEL\nCOPY . /app/\nCMD ["/app/run"]\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with engine_and_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def program(folder: Path) -> Path:
    for name, text in {
        "Dockerfile": DOCKERFILE,
        "run": "#!/bin/sh\n",
        ".dockerignore": "notes\n",
        "notes": "1",
    }.items():
        (folder / "orders").mkdir(exist_ok=True)
        (folder / "orders" / name).write_text(text)
    return folder


def asset(architecture: str = "arm64", **arguments: str) -> PackageAsset:
    properties: dict[str, Any] = {"context": "orders", "dockerfile": "orders/Dockerfile", "build_args": arguments}
    return PackageAsset("Compute.Container/orders", "image", {**properties, "architecture": architecture})


def images(folder: Path, shop: Registry, engine: Any = find_engine) -> tuple[EcrImages, Ecr]:
    ecr = Ecr(shop, (REPOSITORY,))
    clients = cast("Clients", EcrClients(ecr))
    return EcrImages(folder, clients, REPOSITORY, registry=shop.host, engine=engine), ecr


def no_engine() -> Engine:
    raise AssertionError("nothing is built")


def test_an_image_is_built_for_its_platform_pushed_and_pinned_by_digest(tmp_path: Path, shop: Registry) -> None:
    build, ecr = images(program(tmp_path), shop)
    uri = build(asset(LEVEL="high"), lambda line: None)
    host, _, digest = uri.partition(f"/{REPOSITORY}@")
    assert host == shop.host and digest.startswith("sha256:")
    manifest, _ = shop.get(f"{REPOSITORY}/manifests/{digest}")
    config, _ = shop.get(f"{REPOSITORY}/blobs/{manifest['config']['digest']}")
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert config["config"]["Labels"]["level"] == "high"
    assert "PYTHONPATH=/opt/klotho" in config["config"]["Env"]
    added = {name for layer in manifest["layers"] for name in members(shop, layer["digest"])}
    assert {"opt/klotho/klotho/runtime/config.py", "node_modules/@klotho/runtime/package.json"} <= added
    assert ecr.calls == ["DescribeImages", "GetAuthorizationToken", "DescribeImages"]


def test_an_image_whose_inputs_are_the_same_is_asked_for_and_not_built(tmp_path: Path, shop: Registry) -> None:
    first = images(program(tmp_path), shop)[0](asset(), lambda line: None)
    (tmp_path / "orders" / "notes").write_text("changed, and ignored")
    os.utime(tmp_path / "orders" / "run", (1, 1))
    again, ecr = images(tmp_path, shop, no_engine)
    assert again(asset(), lambda line: None) == first
    assert ecr.calls == ["DescribeImages"]


def test_a_preview_looks_and_pushes_nothing(tmp_path: Path, shop: Registry) -> None:
    ecr = Ecr(shop, (REPOSITORY,))
    look = EcrImages(
        program(tmp_path), cast("Clients", EcrClients(ecr)), REPOSITORY, registry=shop.host, engine=no_engine,
        reads_only=True,
    )  # fmt: skip
    assert look(asset(LEVEL="never built"), lambda line: None).startswith(f"{shop.host}/{REPOSITORY}:orders-")
    assert ecr.calls == ["DescribeImages"]


@pytest.mark.parametrize("change", ["file", "mode", "dockerfile", "argument", "platform"])
def test_an_image_with_another_input_is_built(tmp_path: Path, shop: Registry, change: str) -> None:
    images(program(tmp_path), shop)[0](asset(), lambda line: None)
    wanted, orders = asset(), tmp_path / "orders"
    if change == "file":
        (orders / "run").write_text("#!/bin/sh\nexit 1\n")
    elif change == "mode":
        (orders / "run").chmod(0o755)
    elif change == "dockerfile":
        (orders / "Dockerfile").write_text(DOCKERFILE + "USER 1000\n")
    elif change == "argument":
        wanted = asset(LEVEL="other")
    else:
        wanted = asset("x86_64")
    said: list[str] = []
    images(tmp_path, shop)[0](wanted, said.append)
    assert said[0].endswith("build")


def test_a_build_that_fails_is_told_at_its_dockerfile(tmp_path: Path, shop: Registry) -> None:
    program(tmp_path)
    (tmp_path / "orders" / "Dockerfile").write_text("FROM scratch\nCOPY not-there /\n")
    with pytest.raises(Failure) as failed:
        images(tmp_path, shop)[0](asset(), lambda line: None)
    found = failed.value.diagnostic
    assert found.code == "image-not-built"
    assert found.labels[0].span.file == "orders/Dockerfile"
    assert any("not-there" in note for note in found.notes)


FUNCTION = PackageAsset(
    "Compute.Function/report",
    "function-image",
    {"root": ".", "handler": "fn/report.main", "runtime": "python3.12", "base": "scratch"},
)


def packed(folder: Path, text: str) -> FunctionZip:
    """A packed function with a program in it, as any machine's umask would have it written."""
    (folder / "fn").mkdir(exist_ok=True)
    (folder / "fn" / "report.py").write_text(text)
    properties = {name: value for name, value in FUNCTION.properties.items() if name != "base"}
    return FunctionPackager(folder, folder / "cache", LAMBDA).package(properties, lambda line: None)


def layer_of(shop: Registry, digest: str) -> tuple[dict[str, Any], dict[str, tarfile.TarInfo]]:
    """What the image says, and what lies in its only layer."""
    manifest, _ = shop.get(f"{REPOSITORY}/manifests/{digest}")
    config, _ = shop.get(f"{REPOSITORY}/blobs/{manifest['config']['digest']}")
    (layer,) = manifest["layers"]
    return config, members(shop, layer["digest"])


def members(shop: Registry, layer: str) -> dict[str, tarfile.TarInfo]:
    data, _ = shop.read(f"{REPOSITORY}/blobs/{layer}")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {item.name.strip("/"): item for item in archive.getmembers()}


def test_the_image_of_a_function_is_its_package_and_its_handler(tmp_path: Path, shop: Registry) -> None:
    mask = os.umask(0o077)
    try:
        package = packed(tmp_path, "def main(event, context): ...\n")
        uri = images(tmp_path, shop)[0](FUNCTION, lambda line: None, package)
    finally:
        os.umask(mask)
    host, _, digest = uri.partition(f"/{REPOSITORY}@")
    assert host == shop.host and digest.startswith("sha256:")
    config, files = layer_of(shop, digest)
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert config["config"]["Cmd"] == ["fn/report.main"]
    assert {"var/task/fn/report.py", "var/task/klotho/__init__.py"} <= files.keys()
    assert files["var/task/fn/report.py"].mode & 0o777 == 0o644, "Lambda's own user reads it"
    assert files["var/task/fn"].mode & 0o777 == 0o755


def test_the_image_of_a_function_is_built_again_only_for_another_package(tmp_path: Path, shop: Registry) -> None:
    one = packed(tmp_path, "def main(event, context): return 1\n")
    first = images(tmp_path, shop)[0](FUNCTION, lambda line: None, one)
    again, ecr = images(tmp_path, shop, no_engine)
    assert again(FUNCTION, lambda line: None, one) == first
    assert ecr.calls == ["DescribeImages"]
    two = packed(tmp_path, "def main(event, context): return 2\n")
    assert images(tmp_path, shop)[0](FUNCTION, lambda line: None, two) != first
    other = replace(FUNCTION, properties={**FUNCTION.properties, "handler": "fn/report.other"})
    assert images(tmp_path, shop)[0](other, lambda line: None, one) != first


def test_a_repository_that_is_not_there_is_named(tmp_path: Path, shop: Registry) -> None:
    clients = cast("Clients", EcrClients(Ecr(shop, ())))
    with pytest.raises(Failure) as failed:
        EcrImages(program(tmp_path), clients, REPOSITORY, registry=shop.host)(asset(), lambda line: None)
    assert failed.value.diagnostic.code == "image-repository-missing"
    assert REPOSITORY in str(failed.value)


def test_a_tag_is_one_ecr_takes() -> None:
    assert image_tag("Compute.Container/ä b/.x", "0" * 64) == "x-" + "0" * 40
    assert len(image_tag(f"Compute.Container/{'n' * 300}", "0" * 64)) <= 128
