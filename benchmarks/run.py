"""`make bench`: every measurement, one after the other, each runnable by itself.

python benchmarks/run.py [NAME ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALL = {
    "cli": "start-up: klotho --help and import klotho",
    "synth": "klotho build beside cdk synth of the same application",
    "up": "klotho up of examples/users",
    "gateway": "requests through API and function",
    "keyvalue": "key-value puts and gets",
    "permissions": "the permission check of a call",
    "queues": "messages sent, received and handled by one function",
    "topics": "messages published, each to two queues",
}


def main() -> int:
    wanted = sys.argv[1:] or list(ALL)
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted:
        print(f"\n== {ALL[name]} (python benchmarks/{name}.py)", flush=True)
        failed |= subprocess.run([sys.executable, str(HERE / f"{name}.py")]).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
