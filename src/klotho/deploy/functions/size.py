"""Refuses a package that Lambda would not take, and says what makes it large.

Input: a package's entries and a limit. Output: nothing, or a `Failure` (`function-too-large`). Source: AWS Lambda
quotas, "Deployment package (.zip file archive) size": 250 MB unzipped, layers included, so that a layer would not help;
"Container image code package size": 10 GB, uncompressed, with the layers of the base image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from klotho.deploy.functions.archive import Content
from klotho.diagnostics import Failure

_MB = 1024 * 1024
MAX_UNZIPPED_BYTES = 250 * _MB
"""Of a zip."""
MAX_IMAGE_BYTES = 9 * 1024 * _MB
"""Of what is put into an image: AWS's base images have less than the rest of Lambda's 10 GB."""
_SHOWN = 5


def size_of(entries: Mapping[str, Content]) -> int:
    """Bytes of all contents."""
    return sum(_size(content) for content in entries.values())


def refuse_too_large(entries: Mapping[str, Content], handler: str, limit: int = MAX_UNZIPPED_BYTES) -> None:
    """Failure that names the largest packages and the ways out. `limit` is one of the two above."""
    total = size_of(entries)
    if total <= limit:
        return
    taken = "takes at most 250 MB" if limit == MAX_UNZIPPED_BYTES else "takes images of at most 10 GB, base included"
    raise Failure(
        "function-too-large",
        f"the function `{handler}` is {total // _MB} MB unzipped; Lambda {taken}",
        notes=(f"the largest parts are {largest_of(entries)}",),
        helps=(
            'ship it as an image, which takes 10 GB: add `.use("lambda-image")` to it, or write `use: lambda-image` '
            "below its name in `constructs:` of klotho.yaml"
            if limit == MAX_UNZIPPED_BYTES
            else "fetch large data when the function starts, from a bucket it reads",
            "or leave out packages it does not need: what only other functions need belongs into a manifest beside "
            "them",
        ),
    )


def largest_of(entries: Mapping[str, Content]) -> str:
    """`torch 190 MB, numpy 25 MB`: what makes it large, the most first."""
    sizes: Counter[str] = Counter()
    for name, content in entries.items():
        sizes[_package(name)] += _size(content)
    return ", ".join(f"{name} {size // _MB} MB" for name, size in sizes.most_common(_SHOWN) if size >= _MB)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _package(name: str) -> str:
    """The folder or file at the top that a zip path belongs to: a package's name, as people know it."""
    parts = name.removeprefix("node_modules/").split("/")
    return "/".join(parts[:2]) if parts[0].startswith("@") else parts[0].removesuffix(".libs")
