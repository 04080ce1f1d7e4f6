"""The processor a function's package needs, read from the native code in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.deploy.functions.architecture import architecture_of
from klotho.diagnostics import Failure


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


def test_code_without_native_parts_runs_on_arm() -> None:
    assert architecture_of({"app.py": b"print(1)", "data.so.txt": elf(0x3E)}) == "arm64"


@pytest.mark.parametrize(
    "name", ["numpy/core/_multiarray.cpython-312-x86_64-linux-gnu.so", "lib/libz.so.1.2", "addon.node"]
)
def test_native_code_decides(name: str, tmp_path: Path) -> None:
    file = tmp_path / "native"
    file.write_bytes(elf(0x3E))
    assert architecture_of({"app.py": b"", name: file}) == "x86_64"
    assert architecture_of({name: elf(0xB7)}) == "arm64"


def test_code_for_two_processors_is_refused() -> None:
    with pytest.raises(Failure, match="two processors") as raised:
        architecture_of({"a.so": elf(0x3E), "b.so": elf(0xB7)})
    assert raised.value.diagnostic.code == "mixed-architectures"


@given(st.binary(max_size=64))
def test_any_bytes_give_an_architecture(data: bytes) -> None:
    assert architecture_of({"x.so": data}) in ("arm64", "x86_64")
