"""How long the runtime takes to import and to answer first: `python tests/runtime/bench_import.py`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from klotho.runtime import assets

ROUNDS = 21
GRANTED = {
    "name": "users_db",
    "kind": "Databases.Postgres",
    "host": "h",
    "port": "5432",
    "database": "d",
    "secret": "arn",
}
PROGRAMS = {
    "import klotho.config": "from klotho import config",
    "import and first lookup": "from klotho import config; config.datastores.get('users_db')",
    "import and all of http and TLS": "from klotho import config; import klotho.runtime.aws",
}


def milliseconds(folder: str, program: str) -> float:
    """One fresh interpreter; the time inside it, without its own start."""
    timed = (
        f"import sys, time; sys.path.insert(0, {folder!r}); start = time.perf_counter(); {program}; "
        "sys.stdout.write(str((time.perf_counter() - start) * 1000))"
    )
    environment = {**os.environ, "KLOTHO_DATASTORE_A": json.dumps(GRANTED)}
    command = [sys.executable, "-I", "-S", "-c", timed]
    return float(subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, content in assets.python_files().items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for title, program in PROGRAMS.items():
            milliseconds(folder, program)  # the first one writes the bytecode
            times = [milliseconds(folder, program) for _ in range(ROUNDS)]
            sys.stdout.write(f"{title:32} median {statistics.median(times):6.2f} ms  worst {max(times):6.2f} ms\n")


if __name__ == "__main__":
    main()
