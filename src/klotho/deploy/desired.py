"""What a stack is compared by, and which stacks nobody wants any more.

Input: the manifest and what is deployed. Output: digests, and stacks to remove. Refuses nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from klotho.deploy.stacks import STATEFUL_TAG, DeployedStack
from klotho.stacks import Manifest, Stack


def leftovers(manifest: Manifest, deployed: Mapping[str, DeployedStack]) -> list[DeployedStack]:
    """Stacks of the application that the manifest does not hold any more."""
    wanted = {stack.stack_name for stack in manifest.stacks}
    return [stack for name, stack in sorted(deployed.items()) if name not in wanted]


def wanted_tags(stack: Stack) -> dict[str, str]:
    """The tags it is deployed with, which CloudFormation hands to its resources."""
    return {**stack.tags, STATEFUL_TAG: str(stack.stateful).lower()}


def deployed_digest(stack: Stack, parameters: Mapping[str, str]) -> str:
    """What a stack is compared by: its template, the values of its parameters, its tags, its protection."""
    parts = [stack.digest, sorted(parameters.items()), sorted(stack.tags.items()), stack.stateful]
    parts += ["protected"] if stack.protected else []
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
