"""A function that Lambda would not take is refused with what makes it large."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.deploy.functions.size import refuse_too_large
from klotho.diagnostics import Failure


def test_a_function_above_250_mb_names_its_largest_packages_and_both_ways_out(tmp_path: Path) -> None:
    def sized(name: str, megabytes: int) -> Path:
        with (tmp_path / name).open("wb") as file:
            file.truncate(megabytes * 1024 * 1024)  # sparse: nothing is written
        return tmp_path / name

    small = {"f.py": b"x", "torch/a.so": sized("a", 150), "torch.libs/b.so": sized("b", 40)}
    refuse_too_large(small, "f.main")
    with pytest.raises(Failure) as failed:
        refuse_too_large(
            {**small, "node_modules/@acme/big/c.node": sized("c", 61), "numpy/d.so": sized("d", 2)}, "f.main"
        )
    assert "253 MB unzipped; Lambda takes at most 250 MB" in str(failed.value)
    assert failed.value.diagnostic.notes == ("the largest parts are torch 190 MB, @acme/big 61 MB, numpy 2 MB",)
    assert "manifest beside them" in str(failed.value.diagnostic.helps[0])
    assert "Compute.Container" in str(failed.value.diagnostic.helps[1])
