"""Images of functions, as the local cloud keeps them: the package, and what an image says besides; no engine.

Input: a packed function, its runtime and handler. Output: `<images>/<digest>/package.zip` with `function.json`, and the
URI a template names. Refuses nothing. Synchronous, and of the standard library only: the deployer calls `keep_image`
from its own process. The base image's part, the runtime, is this machine's, as for functions from a zip.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from klotho.localcloud.planes.containers.image import REPOSITORY
from klotho.localcloud.planes.functions.package import once

_FORMAT = "1"
"""Part of the digest: raise it when the same input makes another image."""
_PACKAGE, _SAID = "package.zip", "function.json"


@dataclass(frozen=True, slots=True)
class FunctionImage:
    """A finished image as the plane runs it."""

    digest: str
    package: Path
    runtime: str
    """What its base image would bring: `python3.12`."""
    handler: str
    """Its CMD."""


def keep_image(images: Path, package: Path, package_digest: str, runtime: str, handler: str) -> str:
    """Make the image, unless it is there; its URI: equal content gives an equal one. `images`: where images of this
    local cloud are kept (`<state>/images`)."""
    digest = hashlib.sha256(json.dumps([_FORMAT, package_digest, runtime, handler]).encode()).hexdigest()

    def fill(target: Path) -> None:
        try:
            os.link(package, target / _PACKAGE)  # a package in the cache is replaced, never changed
        except OSError:
            shutil.copyfile(package, target / _PACKAGE)
        (target / _SAID).write_text(json.dumps({"runtime": runtime, "handler": handler}))

    once(images, digest, fill)
    return f"{REPOSITORY}@sha256:{digest}"


def load_image(images: Path, uri: str) -> FunctionImage | None:
    """None for a URI of somewhere else, of a container, and of what is not there any more."""
    repository, _, digest = uri.partition("@sha256:")
    folder = images / digest
    try:
        said = json.loads((folder / _SAID).read_text())
    except (OSError, ValueError):
        return None
    if repository != REPOSITORY or len(digest) != hashlib.sha256().digest_size * 2:
        return None
    return FunctionImage(digest, folder / _PACKAGE, str(said["runtime"]), str(said["handler"]))
