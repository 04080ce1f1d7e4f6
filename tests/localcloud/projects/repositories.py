"""Two repositories of one project on this machine: `stock` makes things, `shop` uses them by `from_project=True`.

Both share a local cloud. `stacks` tells what CloudFormation knows of one application's stacks, so that a test sees that
another's deployment left them alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.localcloud.pairs.harness import Deployed


class Repositories:
    """Not up yet."""

    def __init__(self, folder: Path, stock: str, shop: str, more: Mapping[str, str] | None = None) -> None:
        self.stock = Deployed(folder, stock, more, application="stock")
        self.shop = Deployed(folder, shop, more, application="shop")

    def up(self) -> None:
        self.stock.deployment.up()
        self.shop.deployment.up()

    def stacks(self, application: str) -> dict[str, Any]:
        """When each stack of an application was made and changed, and what happened to it, by name."""
        client = self.stock.client("cloudformation")
        found = {}
        for stack in client.describe_stacks()["Stacks"]:
            tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
            if tags.get("klotho:application") == application:
                events = client.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
                found[stack["StackName"]] = (stack["StackId"], str(stack.get("LastUpdatedTime")), len(events))
        return found

    def end(self) -> list[str]:
        """Take both down, consumers first; the commands of processes that are left."""
        self.shop.deployment.down("--delete-data", "shop")
        return self.stock.deployment.end()

    def manifest(self, application: Deployed) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (application.deployment.folder / "compiled/cloudformation/manifest.json").read_text(encoding="utf-8")
        )
        return found
