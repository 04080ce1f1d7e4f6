"""The Dockerfile of a container as it is built for AWS: the user's, and last lines that copy in what Klotho adds.

That is the runtime SDK, where the local cloud has it, too; and for a container that runs on Lambda AWS's adapter.
Input: a Dockerfile, its context and the adapter's image, None elsewhere. Output: the file to build from and the folders
it copies from, for as long as the block runs. Refuses nothing. The lines come last in the last stage: the image.
Sources: Docker, "Dockerfile reference" (`COPY --from` a named context, `${variable:+word}`); AWS Lambda Web Adapter,
"Docker Images" (/lambda-adapter goes to /opt/extensions).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from klotho.runtime.assets import node_files, python_files

SDK = "klotho-runtime"
"""The named context that holds the runtime SDK."""
_PYTHON, _NODE = "python", "node_modules"
_SDK_LINES = (
    f"COPY --from={SDK} {_PYTHON}/ /opt/klotho/",
    # Node's `import` looks into the node_modules of every folder above the program, and so into the root's.
    f"COPY --from={SDK} {_NODE}/ /node_modules/",
    "ENV PYTHONPATH=/opt/klotho${PYTHONPATH:+:$PYTHONPATH}",
)


@dataclass(frozen=True, slots=True)
class Completed:
    dockerfile: Path
    contexts: Mapping[str, Path]
    """Folders that it copies from, by the name it has for them."""


@contextmanager
def completed(dockerfile: Path, context: Path, adapter: object) -> Iterator[Completed]:
    with tempfile.TemporaryDirectory(prefix="klotho-dockerfile-") as name:
        file, sdk = Path(name) / "Dockerfile", Path(name) / SDK
        text = dockerfile.read_bytes().decode("utf-8", "surrogateescape").rstrip()
        lines = "\n".join((text, *added_lines(adapter), ""))
        file.write_bytes(lines.encode("utf-8", "surrogateescape"))
        for ignore in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore"):
            if ignore.is_file():  # what is beside a Dockerfile wins, as for its own
                shutil.copyfile(ignore, file.with_name("Dockerfile.dockerignore"))
                break
        _write_sdk(sdk)
        yield Completed(file, {SDK: sdk})


def added_lines(adapter: object) -> tuple[str, ...]:
    if adapter is None:
        return _SDK_LINES
    return (*_SDK_LINES, f"COPY --from={adapter} /lambda-adapter /opt/extensions/lambda-adapter")


def additions_digest(adapter: object) -> str:
    """Equal digests mean that the same is added."""
    return hashlib.sha256("\n".join((*added_lines(adapter), _sdk_digest())).encode()).hexdigest()


def _sdk_files() -> dict[str, bytes]:
    return {**{f"{_PYTHON}/{path}": content for path, content in python_files().items()}, **node_files()}


@cache
def _sdk_digest() -> str:
    digest = hashlib.sha256()
    for path, content in _sdk_files().items():
        digest.update(f"{len(path)}:{path}{len(content)}:".encode() + content)
    return digest.hexdigest()


def _write_sdk(folder: Path) -> None:
    """Readable for every user of the image, whatever this machine's umask is; without times, so that the same files
    give the same layer."""
    for path, content in _sdk_files().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)
        os.utime(file, (0, 0))
    for parent in os.walk(folder, topdown=False):
        Path(parent[0]).chmod(0o755)
        os.utime(parent[0], (0, 0))
