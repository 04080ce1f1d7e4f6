"""A function that Lambda would not take is refused with what makes it large."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.functions.size import MAX_IMAGE_BYTES, refuse_too_large
from klotho.deploy.target import HOST
from klotho.diagnostics import Failure


def sized(path: Path, megabytes: int) -> Path:
    with path.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)  # sparse: nothing is written
    return path


def test_a_function_above_250_mb_names_its_largest_packages_and_both_ways_out(tmp_path: Path) -> None:
    small = {
        "f.py": b"x",
        "torch/a.so": sized(tmp_path / "a", 150),
        "torch.libs/b.so": sized(tmp_path / "b", 40),
    }
    refuse_too_large(small, "f.main")
    large = {
        **small,
        "node_modules/@acme/big/c.node": sized(tmp_path / "c", 61),
        "numpy/d.so": sized(tmp_path / "d", 2),
    }
    with pytest.raises(Failure) as failed:
        refuse_too_large(large, "f.main")
    assert "253 MB unzipped; Lambda takes at most 250 MB" in str(failed.value)
    assert failed.value.diagnostic.notes == ("the largest parts are torch 190 MB, @acme/big 61 MB, numpy 2 MB",)
    assert '`.use("lambda-image")`' in str(failed.value.diagnostic.helps[0])
    assert "`use: lambda-image`" in str(failed.value.diagnostic.helps[0])
    assert "manifest beside them" in str(failed.value.diagnostic.helps[1])
    refuse_too_large(large, "f.main", MAX_IMAGE_BYTES)


def test_an_image_has_a_limit_too(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"9300 MB unzipped; Lambda takes images of at most 10 GB") as failed:
        refuse_too_large({"model/a.bin": sized(tmp_path / "a", 9300)}, "f.main", MAX_IMAGE_BYTES)
    assert "lambda-image" not in str(failed.value.diagnostic.helps)


def test_what_was_packed_for_an_image_is_still_too_large_for_a_zip(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def main(event, context): ...\n")
    packager = FunctionPackager(tmp_path, tmp_path / "cache", HOST)
    properties = {"root": ".", "handler": "f.main", "runtime": "python3.12"}
    packed = packager.package(properties, lambda line: None)
    assert packed.unzipped > len("def main(event, context): ...\n")
    assert packager.package(properties, lambda line: None, limit=packed.unzipped).cached
    with pytest.raises(Failure, match="Lambda takes"):
        packager.package(properties, lambda line: None, limit=packed.unzipped - 1)
