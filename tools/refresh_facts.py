"""Vendor AWS's published CloudFormation resource schemas for the types listed in catalogue/facts/types.txt.

The schemas come from the copy that the `cfn-lint` package ships (a development dependency): its internal layout is
not an API, so this script is the only place that knows it. Descriptions are left out; nothing else is changed.

    python tools/refresh_facts.py [--check]
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

FACTS = Path(__file__).resolve().parent.parent / "src" / "klotho" / "catalogue" / "facts"
REGION = "us-east-1"


def wanted_types() -> list[str]:
    lines = (FACTS / "types.txt").read_text().splitlines()
    return sorted(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def without_descriptions(value: Any, inside_properties: bool = False) -> Any:
    """The schema without its prose; a *property* called `description` stays."""
    if isinstance(value, dict):
        return {
            key: without_descriptions(item, key in ("properties", "definitions", "patternProperties"))
            for key, item in value.items()
            if inside_properties or not (key in ("description", "$comment") and isinstance(item, str))
        }
    if isinstance(value, list):
        return [without_descriptions(item) for item in value]
    return value


def rendered() -> dict[str, str]:
    """File name to text, for every wanted type and the note that says where they came from."""
    schemas = files("cfnlint") / "data" / "schemas"
    index = json.loads((schemas / "providers" / f"{REGION}.json").read_text())
    missing = [name for name in wanted_types() if name not in index]
    if missing:
        raise SystemExit(f"cfn-lint has no schema for: {', '.join(missing)}")
    out = {}
    for name in wanted_types():
        schema = json.loads((schemas / "resources" / f"{index[name]}.json").read_text())
        out[f"schemas/{name.replace('::', '-')}.json"] = (
            json.dumps(without_descriptions(schema), indent=1, sort_keys=True) + "\n"
        )
    source = {
        "package": f"cfn-lint {version('cfn-lint')}",
        "schema_date": json.loads((schemas / "version.json").read_text())["schema_date"],
        "region": REGION,
    }
    out["source.json"] = json.dumps(source, indent=1, sort_keys=True) + "\n"
    return out


def main() -> int:
    wanted = rendered()
    present = {f"schemas/{path.name}": path for path in (FACTS / "schemas").glob("*.json")}
    if "--check" in sys.argv[1:]:
        stale = [
            name for name, text in wanted.items() if not (FACTS / name).exists() or (FACTS / name).read_text() != text
        ]
        stale += sorted(set(present) - set(wanted))
        print("\n".join(f"stale: {name}" for name in stale) or "facts are current")
        return 1 if stale else 0
    (FACTS / "schemas").mkdir(exist_ok=True)
    for name in set(present) - set(wanted):
        present[name].unlink()
    for name, text in wanted.items():
        (FACTS / name).write_text(text)
    print(f"wrote {len(wanted) - 1} schemas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
