"""What the image of a function is built from: its package, on AWS's base image for its runtime.

Input: a packed function, its handler and the base image. Output: a Dockerfile; a digest of all that decides; a folder
to build in. Refuses nothing: the package's size is looked at when it is packed. Source: AWS Lambda Developer Guide,
"Deploy Python Lambda functions with container images" (the code lies in LAMBDA_TASK_ROOT, which is /var/task, and CMD
is the handler).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FORMAT = "1"
"""Raise when the same input should give another image."""
_PACKAGE = "package"


def function_dockerfile(base: str, handler: str) -> str:
    """Nothing runs while it is built, so any machine can build it for any processor."""
    return f"FROM {base}\nCOPY {_PACKAGE}/ /var/task/\nCMD {json.dumps([handler])}\n"


def function_inputs(dockerfile: str, package_digest: str, platform: str) -> str:
    """Equal digests mean that nothing needs to be built."""
    return hashlib.sha256("\0".join((_FORMAT, dockerfile, package_digest, platform)).encode()).hexdigest()


@contextmanager
def function_context(dockerfile: str, package: Path) -> Iterator[Path]:
    """A folder with the Dockerfile and the unpacked zip, for as long as the block runs.

    Lambda runs functions as a user of its own: everybody may read what is in it, whatever this machine's umask is.
    """
    with tempfile.TemporaryDirectory(prefix="klotho-image-") as name, zipfile.ZipFile(package) as archive:
        folder = Path(name)
        (folder / "Dockerfile").write_text(dockerfile)
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder / _PACKAGE))
            path.chmod((entry.external_attr >> 16) & 0o777 or 0o644)
            os.utime(path, (0, 0))  # a layer's bytes hold times: the same package gives the same layer
        for parent, _, _ in os.walk(folder / _PACKAGE):
            Path(parent).chmod(0o755)
            os.utime(parent, (0, 0))
        yield folder
