"""The templates and the topology of stacks that the examples give, whole, to be read as prose.

`pytest --bless` rewrites them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from klotho.application import Application
from klotho.application.files import ProgramFiles
from klotho.emit import Bundle, render
from klotho.engine import resolve
from klotho.sdk.program import run
from tests.gates.programs import with_layers

EXAMPLES = Path(__file__).parents[2] / "examples"
GOLDEN = Path(__file__).parent / "templates"


def build(example: str, change: Callable[[Application], Application] = lambda application: application) -> Bundle:
    program = EXAMPLES / example / "infra.py"
    application, report = run(program)
    assert application is not None
    assert report.diagnostics == []
    resolution = resolve(change(application), environment="local", files=ProgramFiles(program.parent), report=report)
    return render(resolution.graph, resolution.setting, region="us-east-1")


def overview(bundle: Bundle) -> str:
    """Stacks in order of deployment: what each waits for, takes and holds."""
    lines = []
    for stack in bundle.manifest.stacks:
        template = json.loads(bundle.files[f"cloudformation/{stack.template}"])
        upstream = f" after {', '.join(stack.depends_on)}" if stack.depends_on else ""
        lines.append(f"{stack.name}{' (holds data)' if stack.stateful else ''}{upstream}")
        types = Counter(resource["Type"] for resource in template["Resources"].values())
        lines += [f"  {count:>2} {name}" for name, count in sorted(types.items())]
    total = sum(len(json.loads(body)["Resources"]) for name, body in bundle.files.items() if "template" in name)
    return "\n".join([*lines, f"{total} resources in {len(bundle.manifest.stacks)} stacks", ""])


@pytest.mark.parametrize("example", ["users", "multi-tier", "chicken-auction"])
def test_the_stacks_of_an_example(example: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{example}.txt", overview(build(example)))


@pytest.mark.parametrize("stack", ["project", "users-api-api", "users-container", "users-db-f3342e-postgres"])
def test_a_template_of_the_users_example(stack: str, golden: Callable[[Path, str], None]) -> None:
    body = build("users").files[f"cloudformation/{stack}.template.json"]
    golden(GOLDEN / "users" / f"{stack}.template.json", body.decode())


def test_the_template_of_a_function_with_a_layer(golden: Callable[[Path, str], None]) -> None:
    files = build("guestbook", with_layers).files
    name, body = next((name, body) for name, body in sorted(files.items()) if b"AWS::Lambda::LayerVersion" in body)
    golden(GOLDEN / "guestbook-layered" / Path(name).name, body.decode())
