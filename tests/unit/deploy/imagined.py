"""A program that is compiled, and what CloudFormation would show once it is deployed: no cloud, no assets built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from klotho.catalogue.costs import Usages
from klotho.deploy.assets import AssetStep
from klotho.deploy.desired import deployed_digest, wanted_tags
from klotho.deploy.preview import Preview, preview, with_cost
from klotho.deploy.stacks import DeployedStack, StackCalls
from klotho.deploy.template import parsed
from klotho.driver.build import Build, build
from klotho.driver.program import find_program
from klotho.driver.reasons import reasons_of
from klotho.stacks import DIGEST, AssetSource, OutputSource


@dataclass(frozen=True)
class Imagined:
    """One program, compiled, with the digest of everybody's code."""

    built: Build
    code: str

    def value(self, source: AssetSource, bucket: str) -> str:
        if source.part == "key":
            return f"functions/{self.code}.zip"
        return {"image": f"registry/{source.construct}@{self.code}", "bucket": bucket, "architecture": "arm64"}[
            source.part
        ]

    def deployed(self) -> dict[str, DeployedStack]:
        """As DescribeStacks shows it, by CloudFormation name; an output's value says whose it is."""
        found: dict[str, DeployedStack] = {}
        names = {stack.name: stack.stack_name for stack in self.built.manifest.stacks}
        for stack in self.built.manifest.stacks:
            values = {}
            for name, source in stack.parameters.items():
                if isinstance(source, OutputSource):
                    values[name] = found[names[source.stack]].outputs[source.output]
                else:
                    values[name] = self.value(source, "bucket") if isinstance(source, AssetSource) else "step"
            outputs = parsed(self.built.templates[stack.template]).get("Outputs", {})
            found[stack.stack_name] = DeployedStack(
                stack_name=stack.stack_name,
                stack_id=f"arn:{stack.stack_name}",
                status="CREATE_COMPLETE",
                tags=wanted_tags(stack),
                parameters=values,
                outputs={name: f"live-{name}" for name in outputs if name != DIGEST},
                digest=deployed_digest(stack, values),
            )
        return found

    def template(self, stack_name: str) -> dict[str, Any]:
        stack = next(item for item in self.built.manifest.stacks if item.stack_name == stack_name)
        return parsed(self.built.templates[stack.template])


def imagined(folder: Path, program: str, files: Mapping[str, str] | None = None, code: str = "aaaa1111") -> Imagined:
    """Compile the text of a program, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"work.py": "def handler(event, context): ...\n", **(files or {}), "infra.py": program}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Imagined(build(find_program(folder), None), code)


def previewed(before: Imagined | None, after: Imagined) -> Preview:
    """What deploying `after` over `before` would do, with reasons."""
    built, assets = after.built, cast(AssetStep, after)
    if before is None:
        found = preview(built.manifest, built.templates, {}, assets, None, "bucket")
    else:
        calls = cast(StackCalls, before)
        found = preview(built.manifest, built.templates, before.deployed(), assets, calls, "bucket")
    found = with_cost(found, Usages(built.application), built.region)
    return replace(found, reasons=reasons_of(built, found))
