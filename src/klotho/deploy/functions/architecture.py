"""Which processor a function's package needs.

Input: what goes into the zip. Output: `arm64`, which costs a fifth less on Lambda, unless the package holds Linux code
for x86-64 (`*.so`, `*.node`, `bootstrap`), as a wheel of NumPy installed on such a machine does. Refuses code for both
at once. Sources: ELF specification, e_machine; AWS Lambda pricing (Arm price against x86 price).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from klotho.deploy.functions.archive import Content
from klotho.diagnostics import Failure

DEFAULT = "arm64"
_NATIVE = re.compile(r"\.(so(\.\d+)*|node)$|^bootstrap$")
_MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
_HEADER_BYTES = 20


def architecture_of(entries: Mapping[str, Content]) -> str:
    """Lambda's name of it; Failure (`mixed-architectures`) for a package that no processor could run."""
    found: dict[str, str] = {}
    for name, content in sorted(entries.items()):
        machine = _machine(content) if _NATIVE.search(name) else None
        if machine is not None:
            found.setdefault(machine, name)
    if len(found) > 1:
        raise Failure(
            "mixed-architectures",
            f"the package holds code for two processors: {' and '.join(f'`{found[item]}`' for item in sorted(found))}",
            helps=("ship one of the two: a function runs on one kind of processor",),
        )
    return next(iter(found), DEFAULT)


def _machine(content: Content) -> str | None:
    """None for what is no ELF file, such as a library of macOS."""
    if isinstance(content, Path):
        with content.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    else:
        header = content[:_HEADER_BYTES]
    if len(header) < _HEADER_BYTES or header[:4] != b"\x7fELF":
        return None
    return _MACHINES.get(int.from_bytes(header[18:20], "little"))  # both kinds are little-endian
