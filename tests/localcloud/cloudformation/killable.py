"""A process that creates and updates a stack and kills itself at a given step: `killable.py FOLDER STEP`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from cloudformation.builders import log_group, record_cloud, stack_request, subnet, template, vpc
from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.handlers import build_handlers

FIRST = template({"Vpc": vpc(), "Subnet": subnet({"Ref": "Vpc"}), "Logs": log_group(RetentionInDays=7)})
SECOND = template({"Vpc": vpc("10.4.0.0/16"), "Subnet": subnet({"Ref": "Vpc"}), "Logs": log_group(RetentionInDays=14)})


async def work(engine: Engine) -> None:
    """What is left to do of: create, then update."""
    await engine.settle()
    stack = engine.find("net")
    if stack is None:
        engine.create_stack(stack_request("net", FIRST))
        await engine.settle()
    stack = engine.stack("net")
    if len(engine.store.operations(stack.stack_id)) == 1:
        engine.update_stack(stack_request("net", SECOND))
        await engine.settle()


async def main(folder: Path, step: int) -> None:
    count = 0

    def strike(name: str) -> None:
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

    cloud = record_cloud(folder)
    await work(Engine(cloud, build_handlers(cloud), strike))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
