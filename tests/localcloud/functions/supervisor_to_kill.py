"""A process that runs a function which never ends and says so; the test kills it."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from functions.testbed import call, functions_cloud, python

SOURCE = "import os, time\ndef handler(e, c):\n    open(e, 'w').write(str(os.getpid()))\n    time.sleep(90)\n"


async def main(state: Path) -> None:
    async with functions_cloud(state) as cloud:
        await python(cloud, SOURCE, Timeout=90)
        await call(cloud, f'"{state}/pid"'.encode())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
