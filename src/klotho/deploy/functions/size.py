"""Refuses a package that Lambda would not take, and says what makes it large.

Input: a zip's entries. Output: nothing, or a `Failure` (`function-too-large`). Source: AWS Lambda quotas, "Deployment
package (.zip file archive) size": 250 MB unzipped, layers included, so that a layer would not help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from klotho.deploy.functions.archive import Content
from klotho.diagnostics import Failure

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
_SHOWN = 5
_MB = 1024 * 1024


def refuse_too_large(entries: Mapping[str, Content], handler: str) -> None:
    """Failure that names the largest packages and the two ways out."""
    sizes: Counter[str] = Counter()
    for name, content in entries.items():
        sizes[_package(name)] += len(content) if isinstance(content, bytes) else content.stat().st_size
    if sizes.total() <= MAX_UNZIPPED_BYTES:
        return
    largest = ", ".join(f"{name} {size // _MB} MB" for name, size in sizes.most_common(_SHOWN) if size >= _MB)
    raise Failure(
        "function-too-large",
        f"the function `{handler}` is {sizes.total() // _MB} MB unzipped; Lambda takes at most 250 MB",
        notes=(f"the largest parts are {largest}",),
        helps=(
            "leave out packages it does not need: what only other functions need belongs into a manifest beside them",
            "or make it a `Compute.Container(context=…)`, which takes 10 GB and runs the same code behind a web server",
        ),
    )


def _package(name: str) -> str:
    """The folder or file at the top that a zip path belongs to: a package's name, as people know it."""
    parts = name.removeprefix("node_modules/").split("/")
    return "/".join(parts[:2]) if parts[0].startswith("@") else parts[0].removesuffix(".libs")
