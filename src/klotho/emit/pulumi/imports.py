"""Pulumi's import files: `pulumi import --file import.json --generate-code=false`.

Input: an export and Cloud Control's identifiers by logical id. Output: files by path below the export's folder. Every
resource is the stack's own child, as in the programs. Source: Pulumi documentation, "Importing resources", bulk import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from klotho.emit.exported import Export
from klotho.emit.pulumi.names import token
from klotho.emit.pulumi.program import programs


def import_files(export: Export, identifiers: Mapping[str, str], *, single: bool) -> dict[str, bytes]:
    found: dict[str, list[dict[str, str]]] = {}
    for program in programs(export, single=single):
        resources = [
            {"type": token(item.resource.type), "name": item.name, "id": identifiers[logical_id]}
            for logical_id, item in program.declared.items()
            if logical_id in identifiers
        ]
        if resources:
            found.setdefault("import.json" if single else f"{program.stack.name}/import.json", []).extend(resources)
    return {name: (json.dumps({"resources": items}, indent=2) + "\n").encode() for name, items in found.items()}
