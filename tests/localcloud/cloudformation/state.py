"""What is in a local cloud, without ids: two clouds that were brought to the same place are equal."""

from __future__ import annotations

import json
import re
from typing import Any

from .builders import ServedCloud

_UNSETTLED = ("IN_PROGRESS", "FAILED", "ROLLBACK")


def state_of(served: ServedCloud) -> dict[str, Any]:
    """Templates, statuses and resources of every live stack, and the physical world, with ids by their owner's name."""
    engine = served.engine
    stacks = [stack for stack in engine.store.stacks() if stack.status != "DELETE_COMPLETE"]
    names = {
        str(record.identifier): f"<{record.stack_name}/{record.logical_id}>" for record in served.cloud.world.all()
    }
    found: dict[str, Any] = {"stacks": {}, "world": []}
    for stack in stacks:
        assert not any(word in stack.status for word in _UNSETTLED), (stack.name, stack.status)
        rows = engine.live_resources(stack.stack_id)
        found["stacks"][stack.name] = {
            "template": json.loads(stack.inputs.template),
            "parameters": _named({**stack.inputs.parameters, "KlothoDigest": ""}, names),
            "tags": stack.inputs.tags,
            "resources": sorted((row.logical_id, row.type_name) for row in rows.values()),
            "outputs": sorted(item["OutputKey"] for item in stack.outputs),
        }
    found["world"] = sorted(
        (record.type_name, record.stack_name, record.logical_id, json.dumps(_named(dict(record.properties), names)))
        for record in served.cloud.world.all()
    )
    return found


def _named(value: Any, names: dict[str, str]) -> Any:
    text = json.dumps(value, sort_keys=True)
    if not names:
        return json.loads(text)
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return json.loads(re.sub(pattern, lambda found: names[found[0]], text))
