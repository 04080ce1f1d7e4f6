"""What a function that runs all the time brings besides: the server that calls its handler, and the runtime SDK for it.

Output: package paths with files. Lies in the package as everything else, in a folder no user's file can have a say in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def host_files() -> Mapping[str, bytes]:
    import klotho
    from klotho.runtime import assets

    folder = Path(str(klotho.__file__)).parent / "handler_host"
    server = {f"klotho/handler_host/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}
    return {**assets.python_files(), **server}
