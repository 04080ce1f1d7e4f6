"""Vendor AWS's published CloudFormation resource schemas for the types listed in catalogue/facts/types.txt.

The schemas come from the copy that the `cfn-lint` package ships (a development dependency): its internal layout is
not an API, so this script is the only place that knows it. Descriptions are left out; nothing else is changed.

What the schemas' handlers and the deployer call is looked up in the copy of AWS's Service Authorization Reference that
the `parliament` package ships (another one), and vendored as `actions.json`: which actions exist, and on which
resources.

    python tools/refresh_facts.py [--check]
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution, version
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
        "actions": f"parliament {version('parliament')}",
    }
    out["actions.json"] = rendered_actions([json.loads(text) for text in out.values()])
    out["source.json"] = json.dumps(source, indent=1, sort_keys=True) + "\n"
    return out


def named_actions(schemas: list[Mapping[str, Any]]) -> Iterator[str]:
    """Every IAM action a handler of the vendored types or the deployer itself calls, as they write it."""
    for schema in schemas:
        for handler in schema.get("handlers", {}).values():
            yield from handler.get("permissions", ())
        yield from schema.get("tagging", {}).get("permissions", ())
    table = tomllib.loads((FACTS.parent / "tables" / "deployer.toml").read_text())
    for entry in table["calls"]:
        yield from entry["actions"]
    for entry in table["types"].values():
        yield from entry.get("actions", ())


def rendered_actions(schemas: list[Mapping[str, Any]]) -> str:
    """`service:Action` to the ARNs it may name, required ones first; unknown ones are left out."""
    path = distribution("parliament").locate_file("parliament/iam_definition.json")
    services = {item["prefix"]: item for item in json.loads(Path(str(path)).read_text())}
    actions: dict[str, dict[str, list[str]]] = {}
    for service, _, name in (text.partition(":") for text in named_actions(schemas)):
        known = services.get(service)
        found = next((item for item in (known or {}).get("privileges", ()) if _same(item["privilege"], name)), None)
        if known is None or found is None:
            continue
        arns = {item["resource"]: item["arn"].replace("${Partition}", "aws") for item in known["resources"]}
        kinds = sorted({item["resource_type"] for item in found["resource_types"] if item["resource_type"]})
        actions[f"{service}:{found['privilege']}"] = {
            "required": [arns[kind[:-1]] for kind in kinds if kind.endswith("*") and kind[:-1] in arns],
            "optional": [arns[kind] for kind in kinds if kind in arns and f"{kind}*" not in kinds],
        }
    newer = tomllib.loads((FACTS.parent / "tables" / "deployer.toml").read_text())["newer"]
    actions |= {name: {"required": arns, "optional": []} for name, arns in newer.items() if name not in actions}
    return json.dumps(actions, indent=1, sort_keys=True) + "\n"


def _same(left: str, right: str) -> bool:
    """Actions are not case-sensitive, and handlers write some in another case."""
    return left.lower() == right.lower()


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
    print(f"wrote {len(wanted) - 2} schemas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
