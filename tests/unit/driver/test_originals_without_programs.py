"""`klotho verify` where a program that the original needs is not on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.annotations.findings import Original
from klotho.diagnostics import Failure
from klotho.driver.verifying import original_running


@pytest.mark.parametrize(
    ("original", "message", "advice"),
    [
        (Original(("dotnet", "x.dll"), build=(("dotnet", "publish"),)), "`dotnet` is not on this machine, and the "
         "original is built with it", "install the .NET SDK"),
        (Original(("./x",), build=(("go", "build"),)), "`go` is not on this machine, and the original is built with it",
         "install Go"),
        (Original(("x",), (("npm", "ci"),)), "`npm` is not on this machine, and the original is installed with it",
         "install Node.js"),
        (Original(("node", ".")), "`node` is not on this machine, and the original is run with it", "install Node.js"),
        (Original(("x",)), "`x` is not on this machine, and the original is run with it", "install it"),
    ],
)  # fmt: skip
def test_it_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, original: Original, message: str, advice: str
) -> None:
    (tmp_path / "program").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure) as raised, original_running(tmp_path / "program", original):
        pass
    told = raised.value.diagnostic
    assert (told.code, told.message) == ("verify-original", message)
    assert told.helps[0].startswith(advice)
