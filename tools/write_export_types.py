"""Write docs/export-types.md: how each tool says each resource type that Klotho makes.

python tools/write_export_types.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from klotho.catalogue.facts import CUSTOM_RESOURCE, known_types
from klotho.emit.classic import Classic, classic, is_sayable
from klotho.emit.exported import ExportedResource
from klotho.emit.pulumi.names import class_of, module_of
from klotho.emit.terraform.names import type_of
from klotho.stacks import Origin

PAGE = Path(__file__).resolve().parent.parent / "docs" / "export-types.md"
HEAD = """\
# How each tool says a resource type

Every type Klotho knows. `aws-native` and `awscc` are made from the schemas AWS publishes, as Klotho's facts are, so
that names follow from the schemas; the classic providers `aws` say what those lack. The tests in `tests/gates/exports/`
export every type that the examples and the pairs use, and compare each resource, property by property.
`python tools/write_export_types.py` writes this page.

"""
SAMPLES = {
    CUSTOM_RESOURCE: {"ServiceToken": "arn"},
    "AWS::SQS::QueuePolicy": {"Queues": ["url"], "PolicyDocument": {}},
}
"""Properties of types that the classic providers say, which need some to be said."""


def rendered() -> str:
    rows = [_row(type_name) for type_name in known_types()]
    lines = [f"{len(rows)} types.", "", "| CloudFormation | Pulumi | Terraform |", "|---|---|---|", *rows]
    return HEAD + "\n".join(lines) + "\n"


def _row(type_name: str) -> str:
    shown = "Custom::…" if type_name == CUSTOM_RESOURCE else type_name
    if not is_sayable(type_name):
        return f"| `{shown}` | no word: `export-type-unknown` | no word |"
    other = _classic(type_name)
    if other is not None:
        return f"| `{shown}` | `aws.{other.pulumi_module}.{other.pulumi_class}` | `{other.terraform_type}` |"
    return f"| `{shown}` | `aws-native.{module_of(type_name)}.{class_of(type_name)}` | `{type_of(type_name)}` |"


def _classic(type_name: str) -> Classic | None:
    properties = SAMPLES.get(type_name, {})
    return classic(ExportedResource("X", type_name, properties, (), False, False, Origin("x", "x")))


def main() -> int:
    text = rendered()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE.name}")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        print("docs/export-types.md is current")
        return 0
    print(f"docs/{PAGE.name} is not current: run `python tools/write_export_types.py`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
