"""npm packages with machine code: which they are, what of them is shipped, which are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.deploy.functions.native_packages import native_packages, refuse_unbuilt, shipped
from klotho.diagnostics import Failure

ELF, MACH = b"\x7fELF", b"\xcf\xfa\xed\xfe"


def install(folder: Path, packages: Mapping[str, tuple[dict[str, object], dict[str, bytes]]]) -> None:
    for name, (manifest, files) in packages.items():
        place = folder / "node_modules" / name
        for inner, data in {"package.json": json.dumps(manifest).encode(), **files}.items():
            (place / inner).parent.mkdir(parents=True, exist_ok=True)
            (place / inner).write_bytes(data)


PACKAGES: Mapping[str, tuple[dict[str, object], dict[str, bytes]]] = {
    "plain": ({"dependencies": {"deep": "1"}}, {"index.js": b""}),
    "hash": ({"optionalDependencies": {"@hash/linux-arm64": "1", "@hash/darwin-arm64": "1"}}, {"index.js": b""}),
    "@hash/linux-arm64": ({}, {"hash.node": ELF}),
    "elsewhere": ({"optionalDependencies": {"@elsewhere/linux-x64": "1"}}, {"index.js": b""}),
    "apple": ({}, {"apple.node": MACH}),
    "compiled": ({"gypfile": True, "dependencies": {"deep": "1"}}, {"binding.gyp": b""}),
    "many": (
        {"dependencies": {"deep": "1"}},
        {f"prebuilds/{name}/a.node": ELF for name in ("linux-x64", "linux-arm64", "darwin-x64+arm64")},
    ),
    "deep": ({}, {"index.js": b"", "node_modules/inner/package.json": b"{}"}),
}


def test_which_packages_can_not_be_bundled(tmp_path: Path) -> None:
    install(tmp_path, PACKAGES)
    assert set(native_packages(tmp_path)) == {"hash", "@hash/linux-arm64", "elsewhere", "apple", "compiled", "many"}


@pytest.mark.parametrize("name", ["elsewhere", "apple", "compiled"])
def test_a_package_without_machine_code_for_linux_is_refused(tmp_path: Path, name: str) -> None:
    install(tmp_path, PACKAGES)
    with pytest.raises(Failure) as failed:
        refuse_unbuilt(["hash", "many", name], native_packages(tmp_path), for_linux=True)
    assert f"`{name}`" in str(failed.value)


def test_on_this_machine_any_machine_code_will_do(tmp_path: Path) -> None:
    install(tmp_path, PACKAGES)
    refuse_unbuilt(["hash", "apple", "many"], native_packages(tmp_path), for_linux=False)


def test_a_package_is_shipped_with_what_it_needs_and_for_one_platform(tmp_path: Path) -> None:
    install(tmp_path, PACKAGES)
    assert set(shipped(["many", "hash"], tmp_path, tmp_path, ("linux", "arm64"))) == {
        "node_modules/many/package.json",
        "node_modules/many/prebuilds/linux-arm64/a.node",
        "node_modules/deep/package.json",
        "node_modules/deep/index.js",
        "node_modules/hash/package.json",
        "node_modules/hash/index.js",
        "node_modules/@hash/linux-arm64/package.json",
        "node_modules/@hash/linux-arm64/hash.node",
    }
