"""Functions that fit no zip become images by themselves: built by a real engine, pushed, pulled, deployed and called.

The account is a local cloud, which has no ECR: images go to a real registry, and what was pushed is read back from
there into the folder where the local cloud looks for images.
"""

from __future__ import annotations

import io
import json
import platform
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from image_registry import Ecr, EcrClients, Registry, engine_and_registry
from lambda_base import make_base

from klotho.catalogue.tables import table
from klotho.deploy import assets
from klotho.deploy.bootstrap import REPOSITORY
from klotho.deploy.events import Event, Step
from klotho.deploy.functions import measured
from klotho.deploy.functions.package import FunctionZip
from klotho.deploy.images import engine
from klotho.deploy.images.ecr import EcrImages
from klotho.deploy.place import Clients
from klotho.deploy.preview import Preview
from klotho.diagnostics import Failure
from klotho.driver import aws, shipping
from klotho.driver.build import Build, build
from klotho.driver.deployment import Consent, UpResult, up
from klotho.driver.previewing import preview_up
from klotho.driver.program import find_program
from klotho.localcloud.planes.containers.image import REPOSITORY as PULLED
from klotho.localcloud.planes.functions.image import keep_image
from klotho.resources import PackageAsset
from tests.localcloud.aws_account import Account, account, settings

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

LIMIT = 20 * 1024 * 1024
"""In place of Lambda's 250 MB, which only take longer; `test_image_functions.py` has as much."""
BASE = "localhost/lambda-python:3.12"
MACHINE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
PROGRAM = """import klotho
from klotho import Compute

klotho.Application("shop", project="acme")
report = Compute.Function("report", handler="report/main.main", timeout=60)
"""
WHEEL = """import ctypes.util, glob, sysconfig, zipfile
MEGABYTES = {megabytes}
def build_wheel(folder, config_settings=None, metadata_directory=None):
    platform = {platform}
    name = f"model-1.0-py3-none-{{platform}}.whl"
    with zipfile.ZipFile(folder + "/" + name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        wheel.writestr("model/__init__.py", "")
        {content}
        wheel.writestr("model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: model\\nVersion: 1.0\\n")
        tag = f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-{{platform}}\\n"
        wheel.writestr("model-1.0.dist-info/WHEEL", tag)
        wheel.writestr("model-1.0.dist-info/RECORD", "")
    return name
"""
ZEROS = """with wheel.open("model/weights.bin", "w") as weights:
            for _ in range(MEGABYTES):
                weights.write(bytes(1024 * 1024))"""
PACKAGE = {
    "report/requirements.txt": "./libs/model\n",
    "report/libs/model/pyproject.toml": '[project]\nname = "model"\nversion = "1.0"\n[build-system]\nrequires = []\n'
    'build-backend = "backend"\nbackend-path = ["."]\n',
}


def weighing(megabytes: int) -> str:
    """A package of pure Python with so much data."""
    return WHEEL.format(megabytes=megabytes, platform='"any"', content=ZEROS)


COMPILED = WHEEL.format(
    megabytes=0,
    platform='sysconfig.get_platform().replace("-", "_").replace(".", "_")',
    content='wheel.write(sorted(glob.glob("/*/*/libz.so.1") + glob.glob("/usr/lib/*/libz.so.1"))[0], "model/core.so")',
)
"""A package whose machine code is that of the system it is built on."""
WEIGHS = """import os

import model


def main(event, context):
    return os.path.getsize(os.path.join(os.path.dirname(model.__file__), "weights.bin"))
"""
CALLS = """import ctypes, os

import model


def main(event, context):
    core = ctypes.CDLL(os.path.join(os.path.dirname(model.__file__), "core.so"))
    core.zlibVersion.restype = ctypes.c_char_p
    return core.zlibVersion().decode()
"""


@dataclass
class Shop:
    """A program, the account it is deployed to, the registry its images go to."""

    account: Account
    registry: Registry
    said: list[str] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)

    @property
    def lock(self) -> Path:
        return self.account.folder / "klotho.lock"

    def up(self) -> UpResult:
        self.said.clear()

        def sink(event: Event) -> None:
            if isinstance(event, Step):
                self.said.append(event.text)

        def agree(built: Build, preview: Preview) -> bool:
            self.previews.append(preview)
            return True

        return up(find_program(self.account.folder / "infra.py"), "prod", sink, consent=Consent(deploy=agree))

    def function(self) -> dict[str, Any]:
        (found,) = self.account.client("lambda").list_functions()["Functions"]
        return dict(found)

    def called(self) -> Any:
        answer = self.account.client("lambda").invoke(FunctionName=self.function()["FunctionName"])
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def builder(self, built: Build, *, reads_only: bool) -> Callable[..., str]:
        """The account's image builder, followed by what AWS does: it pulls."""
        clients = cast("Clients", EcrClients(Ecr(self.registry, (REPOSITORY,))))
        real = EcrImages(self.account.folder, clients, REPOSITORY, registry=self.registry.host, reads_only=reads_only)

        def make(asset: PackageAsset, log: Callable[[str], None], package: FunctionZip | None = None) -> str:
            digest = real(asset, log, package).rpartition("@")[2]
            if reads_only and not digest.startswith("sha256:"):
                return f"{PULLED}:{digest.rpartition(':')[2]}"
            self.pull(digest, str(asset.properties["runtime"]))
            return f"{PULLED}@{digest}"

        return make

    def pull(self, digest: str, runtime: str) -> None:
        images = self.account.connection.state / "images"
        target = images / digest.removeprefix("sha256:")
        if target.exists():
            return
        manifest, _ = self.registry.get(f"{REPOSITORY}/manifests/{digest}")
        config, _ = self.registry.get(f"{REPOSITORY}/blobs/{manifest['config']['digest']}")
        package = images.parent / "pulled.zip"
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for layer in manifest["layers"]:
                data, _ = self.registry.read(f"{REPOSITORY}/blobs/{layer['digest']}")
                with tarfile.open(fileobj=io.BytesIO(data)) as files:
                    for item in files.getmembers():
                        name = item.name.removeprefix("./").removeprefix("/")
                        if item.isfile() and name.startswith("var/task/"):
                            archive.writestr(
                                name.removeprefix("var/task/"), cast("Any", files.extractfile(item)).read()
                            )
        (handler,) = config["config"]["Cmd"]
        kept = keep_image(images, package, digest, runtime, handler).rpartition(":")[2]
        shutil.copytree(images / kept, target)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("images")
    (folder / "registry").mkdir()
    with (
        engine_and_registry(folder / "registry") as registry,
        account(folder / "account") as found,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in found.variables.items():
            patch.setenv(name, value)
        found.write({"infra.py": PROGRAM, "klotho.yaml": settings(), **PACKAGE, "report/main.py": WEIGHS})
        made = Shop(found, registry)
        patch.setattr(aws, "image_builder", made.builder)
        for module in (measured, shipping, assets):
            patch.setattr(module, "MAX_UNZIPPED_BYTES", LIMIT)
        patch.setitem(table("lambda")["runtimes"]["python3.12"], "image", "scratch")
        yield made


def functions_in(preview: Preview) -> list[tuple[str, bool]]:
    """What becomes of functions, and whether it is because of their kind of package."""
    changes = [item for stack in preview.changes for item in stack.resources]
    found = [item for item in changes if item.type == "AWS::Lambda::Function"]
    return [(item.change, "PackageType" in item.replaced_by) for item in found]


def test_a_function_that_grows_too_large_is_replaced_by_an_image_which_the_preview_shows(shop: Shop) -> None:
    backend = shop.account.folder / "report/libs/model/backend.py"
    backend.write_text(weighing(1))
    assert shop.up().ok
    assert shop.function()["PackageType"] == "Zip"
    assert not shop.lock.exists(), "there is nothing to say of a small function"
    before = shop.function()["FunctionName"]

    backend.write_text(weighing(21))
    _, foreseen = preview_up(find_program(shop.account.folder / "infra.py"), "prod", lambda event: None)
    assert functions_in(foreseen) == [("replace", True)]
    assert not shop.lock.exists(), "a preview writes nothing"
    assert shop.up().ok
    line = "report is shipped as an image: it is 21 MB unzipped, and Lambda takes 20 MB of a zip: model 21 MB"
    assert f"{line} (klotho.lock keeps that)" in shop.said
    assert (
        shop.lock.read_text().rpartition("\n\n")[2] == '[functions.report]\nships = "image"\n'
        'reason = "it is 21 MB unzipped, and Lambda takes 20 MB of a zip: model 21 MB"\n'
    )
    assert functions_in(shop.previews[-1]) == [("replace", True)]
    assert shop.function()["PackageType"] == "Image"
    assert shop.function()["FunctionName"] != before
    assert shop.called() == 21 * 1024 * 1024


def test_what_was_decided_is_not_decided_again(shop: Shop) -> None:
    lock, count = shop.lock.read_bytes(), len(shop.previews)
    result = shop.up()
    assert {item.result for item in result.deployment.outcomes} == {"unchanged"}
    assert len(shop.previews) == count
    assert shop.lock.read_bytes() == lock
    built = build(find_program(shop.account.folder / "infra.py"), "prod")
    assert b'"PackageType": "Image"' in b"".join(built.templates.values())


def test_a_function_that_has_become_small_stays_an_image_until_its_entry_is_deleted(shop: Shop) -> None:
    backend = shop.account.folder / "report/libs/model/backend.py"
    backend.write_text(weighing(1))
    assert shop.up().ok
    assert shop.function()["PackageType"] == "Image"
    shop.up()
    advice = "report is an image by klotho.lock, and at 1 MB would fit a zip: delete its entry there to have one"
    assert advice in shop.said
    shop.lock.unlink()
    assert shop.up().ok
    assert shop.function()["PackageType"] == "Zip"
    assert shop.called() == 1024 * 1024
    assert not shop.lock.exists()


def test_without_an_engine_the_reason_and_the_other_way_out_are_told_and_nothing_is_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.account.folder / "report/libs/model/backend.py").write_text(weighing(21))
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    with pytest.raises(Failure) as failed:
        shop.up()
    found = failed.value.diagnostic
    assert found.code == "container-engine-missing"
    assert "`report` has to be an image: it is 21 MB unzipped, and Lambda takes 20 MB of a zip" in found.message
    assert found.labels[0].span.line == 5
    assert any("leave out packages it does not need" in line for line in found.helps)
    assert not shop.lock.exists()
    assert shop.function()["PackageType"] == "Zip"


def test_a_word_of_the_users_is_not_overruled(shop: Shop) -> None:
    configured = shop.account.folder / "klotho.yaml"
    before = configured.read_text()
    configured.write_text(f"{before}constructs:\n  report: {{use: lambda}}\n")
    try:
        with pytest.raises(Failure, match="is 21 MB unzipped") as failed:
            shop.up()
    finally:
        configured.write_text(before)
    assert failed.value.diagnostic.code == "function-too-large"
    assert not shop.lock.exists()


def test_machine_code_without_a_wheel_is_built_inside_the_image_and_runs(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_base(tmp_path, BASE)
    monkeypatch.setitem(table("lambda")["runtimes"]["python3.12"], "image", BASE)
    shop.account.write({"report/libs/model/backend.py": COMPILED, "report/main.py": CALLS})
    assert shop.up().ok
    assert any(line.startswith("report is shipped as an image: the package in `model` holds") for line in shop.said)
    entry = shop.lock.read_text().rpartition("\n\n")[2].splitlines()
    assert entry[:4] == [
        "[functions.report]", 'ships = "image"', "build = true", f'architecture = "{MACHINE}"',
    ]  # fmt: skip
    assert shop.function()["Architectures"] == [MACHINE]
    assert shop.called().count(".") >= 1, "zlib of the system it was built on says its version"
    (asset,) = build(find_program(shop.account.folder / "infra.py"), "prod").manifest.assets
    assert (asset.type, asset.properties["build"]) == ("function-image", True)
