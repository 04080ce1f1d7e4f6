"""The code blocks of the pages on the compile path's joints run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["application.md", "changes.md", "catalogue.md"])
def test_the_code_blocks_of_a_page_run(page: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert blocks
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), scope)


def test_the_example_kind_of_the_catalogue_page_resolves() -> None:
    from klotho.application import Application, Construct
    from klotho.application.files import ProgramFiles
    from klotho.catalogue.rules import Setting

    scope: dict[str, object] = {}
    block, adoption = re.findall(r"```python\n(.*?)```", (DOCS / "catalogue.md").read_text(), re.DOTALL)
    exec(adoption, {})
    exec(compile(block, "catalogue.md", "exec"), scope)
    queue = Construct("Messaging.Queue", "jobs")
    sqs = scope["SQS"]
    setting = Setting(Application("shop", constructs=(queue,)), {queue.id: sqs}, "local", ProgramFiles(DOCS))  # type: ignore[dict-item]
    (action,) = sqs.expand(queue, setting)  # type: ignore[attr-defined]
    assert action.properties == {"VisibilityTimeout": 30}
