"""The .NET SDK of the tests, which `make dotnet` sets up: the fixture `dotnet` puts it on the PATH.

It is the SDK 3.1 with ASP.NET Core (`netcoreapp3.1`): what npm has. Packages of NuGet can't be restored with it here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".venv-dotnet" / "bin"


@contextmanager
def dotnet_on_path() -> Iterator[Path]:
    """The program, first on the PATH of this process and of those it starts. Fails where it is not set up."""
    program = FOLDER / "dotnet"
    assert os.access(program, os.X_OK), "there is no .NET SDK for the tests: `make dotnet`"
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{FOLDER}:{before}"
    try:
        yield program
    finally:
        os.environ["PATH"] = before
