"""The guestbook: its page in a real browser, what it writes, and a change of one file."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.examples.browser import browse, needs_browser
from tests.examples.conftest import Deploy
from tests.examples.deployment import Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def guestbook(deploy: Deploy) -> Deployment:
    deployment = deploy("guestbook")
    deployment.up()
    return deployment


def output(guestbook: Deployment, name: str) -> str:
    return guestbook.klotho("outputs", name).stdout.strip()


@needs_browser
def test_the_page_shows_what_was_written_also_below_a_deep_link(guestbook: Deployment, tmp_path: Path) -> None:
    body = json.dumps({"text": "hello from a test"}).encode()
    asked = urllib.request.Request(
        f"{output(guestbook, 'api.url')}/entries", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        assert json.loads(answer.read())[0]["text"] == "hello from a test"
    shot = tmp_path / "page.png"
    page = browse(f"{output(guestbook, 'web.url')}/some/where", tmp_path / "profile", f"--screenshot={shot}")
    assert "hello from a test" in page and "1 entry at /some/where" in page
    assert shot.stat().st_size > 1000


def test_one_changed_file_touches_no_stack(guestbook: Deployment) -> None:
    style = guestbook.folder / "web" / "style.css"
    style.write_text(style.read_text().replace("teal", "purple"))
    answer = json.loads(guestbook.klotho("up", "--json").stdout)
    assert {stack["result"] for stack in answer["stacks"]} == {"unchanged"}
    (site,) = answer["sites"]
    assert (site["result"], site["changed"], site["removed"]) == ("published", 1, 0)
    with urllib.request.urlopen(f"{output(guestbook, 'web.url')}/style.css", timeout=20) as page:
        assert b"purple" in page.read()
