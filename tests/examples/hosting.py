"""The matrix of hostings: an example whose code stays as it is, and whose klotho.yaml says what its services run on.

A module of the matrix takes the tests of an example's suite and gives them a deployment made by `hosted`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

CONTAINERS = ("lambda-container", "fargate-spot", "eks")
"""What a container runs on besides `fargate`, which the suites themselves use."""


def hosted(deploy: Deploy, example: str, uses: Mapping[str, str]) -> Deployment:
    """The example, up, with these implementations by construct: a pin that can't be kept would be refused."""
    deployment = deploy(example)
    settings = deployment.folder / "klotho.yaml"
    pins = "".join(f"  {name}: {{use: {use}}}\n" for name, use in uses.items())
    settings.write_text(f"{settings.read_text()}constructs:\n{pins}")
    deployment.up()
    return deployment
