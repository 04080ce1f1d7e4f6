"""The Dockerfile of a container that runs on Lambda: the user's, and a last line that copies AWS's adapter in.

Input: a Dockerfile, its context and the adapter's image; None for a container that runs elsewhere. Output: the file to
build from, for as long as the block runs. Refuses nothing. The line comes last in the last stage, which is the image.
Source: AWS Lambda Web Adapter, "Docker Images" (/lambda-adapter goes to /opt/extensions).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def adapted(dockerfile: Path, context: Path, adapter: object) -> Iterator[Path]:
    if adapter is None:
        yield dockerfile
        return
    with tempfile.TemporaryDirectory(prefix="klotho-dockerfile-") as name:
        file = Path(name) / "Dockerfile"
        text = dockerfile.read_bytes().decode("utf-8", "surrogateescape").rstrip()
        file.write_bytes(f"{text}\n{line_for(str(adapter))}\n".encode("utf-8", "surrogateescape"))
        for ignore in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), context / ".dockerignore"):
            if ignore.is_file():  # what is beside a Dockerfile wins, as for its own
                shutil.copyfile(ignore, file.with_name("Dockerfile.dockerignore"))
                break
        yield file


def line_for(adapter: str) -> str:
    return f"COPY --from={adapter} /lambda-adapter /opt/extensions/lambda-adapter"
