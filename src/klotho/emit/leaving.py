"""What an export can't do by itself, in words: paragraphs of every README.

Input: an export. Output: lines of Markdown.
"""

from __future__ import annotations

from klotho.catalogue.facts import is_custom
from klotho.emit.exported import Export


def left_to_you(export: Export) -> list[str]:
    """Steps, zips and sites: what Klotho's deployer did around the stacks."""
    lines = []
    if export.assets or export.steps:
        lines += ["`prepare.sh` does what Klotho's deployer did before the stacks:", ""]
        lines += [f"- {asset.construct}: {_ASSETS[asset.type]}" for asset in export.assets]
        lines += [f"- {step.construct}: {_STEPS.get(step.step, step.step)}" for step in export.steps]
        lines += [""]
    if export.sites:
        lines += ["`publish.sh` uploads the files of sites, after the stacks:", ""]
        lines += [f"- {site.construct}: `{site.properties['directory']}`" for site in export.sites]
        lines += [""]
    if lines:
        lines = ["## Around the stacks", "", *lines]
    return lines


def custom_resources(export: Export, said_by: str) -> list[str]:
    found = [(stack, item) for stack, item in export.resources() if is_custom(item.type)]
    if not found:
        return []
    return [
        "## Custom resources",
        "",
        f"Each is {said_by} here, which calls the function again when its input changes, and tells it",
        "(`tf.action`) when it goes:",
        "",
        *(f"- `{item.logical_id}` in `{stack.name}`: {item.type} of {item.origin.construct}" for stack, item in found),
        "",
    ]


_ASSETS = {
    "image": "builds its image with Docker and pushes it",
    "zip": "uploads its zip, which `klotho eject` puts into `assets/`",
    "function-image": "builds its image from the zip in `assets/` and pushes it",
}
_STEPS = {
    "zone": "looks up the hosted zone of the domain",
    "certificate": "imports your certificate into ACM",
    "adopted": "looks up what is there already",
    "cdn-certificate": "has ACM issue a certificate in us-east-1 and waits for it",
}
