"""`make demo`: bring the users example up in the local cloud, call it, and say what to do next.

python tools/demo.py          up, then called; it stays running
python tools/demo.py --down   stop it again, data kept
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "users"
KLOTHO = str(Path(sys.executable).with_name("klotho"))


def klotho(*words: str) -> None:
    """Run the command line as a user would, output and all."""
    print(f"$ klotho {' '.join(words)}", flush=True)
    code = subprocess.run([KLOTHO, *words], cwd=EXAMPLE).returncode
    if code:
        raise SystemExit(code)


def call(method: str, url: str, body: dict[str, Any] | None = None) -> None:
    """One request, shown with its answer."""
    data = json.dumps(body).encode() if body is not None else None
    print(f"$ curl -X {method} {url}" + (f" -d '{json.dumps(body)}'" if body else ""), flush=True)
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            print(f"{answer.status} {answer.read().decode()}")
    except urllib.error.HTTPError as error:
        print(f"{error.code} {error.read().decode()}")
        if error.code >= 500:
            raise SystemExit(1) from error


def outputs() -> dict[str, str]:
    text = subprocess.run([KLOTHO, "outputs", "--json"], cwd=EXAMPLE, check=True, capture_output=True, text=True).stdout
    found: dict[str, str] = json.loads(text)["outputs"]
    return found


def check_running() -> None:
    """Only what is ours is called: a unit whose port somebody else holds is shown as failed."""
    text = subprocess.run([KLOTHO, "status", "--json"], cwd=EXAMPLE, check=True, capture_output=True, text=True).stdout
    units: list[dict[str, Any]] = json.loads(text)["units"]
    failed = [f"{unit['name']}: {unit.get('detail')}" for unit in units if unit["state"] in ("failed", "stopped")]
    if failed or not any(unit["kind"] == "api" and unit["state"] == "running" for unit in units):
        print("\n".join(["not everything runs:", *failed]), file=sys.stderr)
        raise SystemExit(4)


def main() -> int:
    if "--down" in sys.argv[1:]:
        klotho("down", "--yes")
        return 0
    began = time.monotonic()
    klotho("up", "--yes")
    check_running()
    url = outputs()["users-api.url"]
    print(f"\nup in {time.monotonic() - began:.1f} s; a request or three:\n")
    email = f"ada-{int(time.time())}@example.com"
    call("POST", f"{url}/users", {"email": email, "name": "Ada Lovelace"})
    call("POST", f"{url}/users", {"email": email, "name": "somebody else"})
    call("GET", f"{url}/users")
    print(f"\nIt keeps running at {url}/users. Look around (in {EXAMPLE.relative_to(ROOT)}):")
    print("  klotho status · klotho logs -f · klotho outputs · klotho preview")
    print("Put the command on your path with `source .venv/bin/activate`; stop the demo with `make demo-down`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
