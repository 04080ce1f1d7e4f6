"""Builds manifests and templates for the deployer's tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from klotho.resources import PackageAsset
from klotho.stacks import DIGEST, AssetSource, Manifest, OutputSource, Stack

Links = Mapping[str, tuple[str, ...]]


def template_of(name: str, upstream: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """One table and one output; a parameter per upstream."""
    return {
        "Parameters": {name: {"Type": "String"} for name in (*(f"{source}Out" for source in upstream), DIGEST)},
        "Resources": {
            f"{name}Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {"BillingMode": "PAY_PER_REQUEST", **properties},
                "Metadata": {"klotho": {"construct": f"Databases.KeyValue/{name}"}},
            }
        },
        "Outputs": {f"{name}Out": {"Value": {"Ref": f"{name}Table"}}, DIGEST: {"Value": {"Ref": DIGEST}}},
    }


def encoded(template: Mapping[str, Any]) -> bytes:
    return json.dumps(template, sort_keys=True).encode()


def manifest_of(
    links: Links,
    *,
    templates: Mapping[str, Mapping[str, Any]] | None = None,
    assets: Mapping[str, PackageAsset] | None = None,
    stateful: frozenset[str] = frozenset(),
) -> tuple[Manifest, dict[str, bytes]]:
    """A manifest with a stack per key that takes each upstream's output, and the templates' bytes.

    `links` must list upstreams before their consumers; `assets` gives a stack a zip.
    """
    made, files = [], {}
    for name, upstream in links.items():
        template = (templates or {}).get(name) or template_of(name, upstream)
        if assets and name in assets:
            template = {**template, "Parameters": {**template["Parameters"], "CodeKey": {"Type": "String"}}}
        body = encoded(template)
        parameters: dict[str, OutputSource | AssetSource] = {
            f"{source}Out": OutputSource(source, f"{source}Out") for source in upstream
        }
        if assets and name in assets:
            parameters["CodeKey"] = AssetSource(assets[name].construct, "key")
        files[f"{name}.template.json"] = body
        made.append(
            Stack(
                name=name,
                stack_name=f"shop-{name}",
                template=f"{name}.template.json",
                digest=hashlib.sha256(body).hexdigest(),
                parameters=parameters,
                depends_on=tuple(sorted(upstream)),
                stateful=name in stateful,
                constructs=(f"Databases.KeyValue/{name}",),
                tags={
                    "klotho:project": "acme",
                    "klotho:application": "shop",
                    "klotho:environment": "local",
                    "klotho:stack": name,
                },
            )
        )
    listed = tuple(assets.values()) if assets else ()
    return Manifest("shop", "acme", "local", "us-east-1", tuple(made), listed, ()), files
