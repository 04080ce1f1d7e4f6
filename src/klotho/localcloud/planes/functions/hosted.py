"""The image of a function that runs all the time, as the containers plane runs it: no engine.

Input: a packed function with its server (`klotho.handler_host`), its runtime and handler. Output: an image of the local
cloud, `<images>/<digest>`, and the URI a template names. The server is run by Klotho's own Python, the handler as a
function of Lambda is here (`runtimes.py`). Synchronous, and of the standard library only: the deployer calls it from
its own process. Raises `RuntimeUnavailableError` for a runtime this machine can't run.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from klotho.localcloud.planes.containers.image import REPOSITORY
from klotho.localcloud.planes.containers.stage import StageResult
from klotho.localcloud.planes.containers.toolchain import Base
from klotho.localcloud.planes.functions import package as packages
from klotho.localcloud.planes.functions import runtimes
from klotho.localcloud.planes.functions.package import IMAGE_LIMIT, once

_FORMAT = "1"
"""Part of the digest: raise it when the same input makes another image."""
TASK_ROOT = "var/task"
_WORKER = "klotho/handler_host/worker.json"


def keep_hosted_image(images: Path, package: Path, package_digest: str, runtime: str, handler: str) -> str:
    """Make the image, unless it is there; its URI: equal content gives an equal one."""
    runtimes.require(runtime)
    digest = hashlib.sha256(json.dumps([_FORMAT, "hosted", package_digest, runtime, handler]).encode()).hexdigest()

    def fill(target: Path) -> None:
        task = target / "root" / TASK_ROOT
        packages.extract(package, task, IMAGE_LIMIT)
        (target / "bin").mkdir()
        (target / "bin" / "python").symlink_to(getattr(sys, "_base_executable", None) or sys.executable)
        brought = images / digest / "brought"
        runtimes.python_packages(target / "brought")
        final = str(images / digest / "root" / TASK_ROOT)
        words = runtimes.command(runtime, handler, task, brought)
        worker = {
            "command": [word.replace(str(task), final) for word in words],
            "environment": {
                "LAMBDA_TASK_ROOT": final,
                "LAMBDA_RUNTIME_DIR": str(brought),
                "PATH": runtimes.path_variable(runtime),
            },
        }
        (task / _WORKER).write_text(json.dumps(worker))
        (target / "image.json").write_text(json.dumps(asdict(_config(images / digest)), sort_keys=True))

    once(images, digest, fill)
    return f"{REPOSITORY}@sha256:{digest}"


def _config(folder: Path) -> StageResult:
    return StageResult(
        Base("python", sys.executable, platform.python_version(), None),
        environment={"PYTHONPATH": f"/{TASK_ROOT}"},
        workdir=f"/{TASK_ROOT}",
        command=("python", "-S", "-m", "klotho.handler_host"),
        python_environment=str(folder),
    )
