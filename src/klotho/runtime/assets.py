"""The files of the runtime SDK that go into a deployed asset: nothing in, relative paths and bytes out.

Always the same bytes in the same order. The minimal `klotho/__init__.py` stands in for the whole package, so
that the asset carries nothing of the compiler and a user's own `pip install klotho` cannot take its place. This module
itself is not shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from klotho.runtime.authority import BUNDLE

MINIMAL_ROOT = '''"""Klotho inside a deployed service: `klotho.config`, and nothing else of Klotho."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["config"]


def __getattr__(name: str) -> ModuleType:
    if name != "config":
        raise AttributeError(
            f"klotho.{name} is not available inside a deployed service: here there is only klotho.config; "
            "what describes the application belongs in infra.py"
        )
    from klotho.runtime import config

    globals()["config"] = config
    return config
'''
"""The text of `klotho/__init__.py` in an asset."""

_NOT_SHIPPED = frozenset({"assets.py"})
_HERE = Path(__file__).parent


def python_files() -> Mapping[str, bytes]:
    """For a Python asset's root: the minimal package and `klotho/runtime/*`, sorted by path."""
    files = {"klotho/__init__.py": MINIMAL_ROOT.encode(), "klotho/py.typed": b""}
    for path in _HERE.glob("*.py"):
        if path.name not in _NOT_SHIPPED:
            files[f"klotho/runtime/{path.name}"] = path.read_bytes()
    files[f"klotho/runtime/{BUNDLE}"] = (_HERE / BUNDLE).read_bytes()
    return dict(sorted(files.items()))


def node_files() -> Mapping[str, bytes]:
    """For a Node asset's root: `node_modules/@klotho/runtime/*`, sorted by path."""
    root = _HERE / "node"
    found = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    files = {f"node_modules/@klotho/runtime/{path.relative_to(root).as_posix()}": path.read_bytes() for path in found}
    files[f"node_modules/@klotho/runtime/{BUNDLE}"] = (_HERE / BUNDLE).read_bytes()
    return dict(sorted(files.items()))
