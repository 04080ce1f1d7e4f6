"""The suite of `guestbook` with its API made as a function URL: one line says that its function answers everything."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment
from tests.examples.hosting import hosted
from tests.examples.test_guestbook import (  # noqa: F401
    output,
    test_one_changed_file_touches_no_stack,
    test_the_page_shows_what_was_written_also_below_a_deep_link,
)

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def guestbook(deploy: Deploy) -> Deployment:
    def attached_to_everything(name: str) -> Deployment:
        deployment = deploy(name)
        program = deployment.folder / "infra.py"
        before = program.read_text()
        program.write_text(before.replace('book, route="/entries", methods=["GET", "POST"]', "book"))
        assert program.read_text() != before
        return deployment

    return hosted(attached_to_everything, "guestbook", {"api": "function-url"})
