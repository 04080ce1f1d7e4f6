"""A site brought up by the real command: published, changed, seen by a real browser, killed, taken away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klotho.localcloud import connect
from tests.examples.browser import browse, needs_browser

pytestmark = pytest.mark.localcloud

PROGRAM = """
import klotho
from klotho import API, Compute, Site

klotho.Application("sites", project=PROJECT)
greeter = Compute.Function("greeter", handler="greeter.handler")
api = API("api", cors=True)
api.attach_service(greeter, route="/greeting")
"""
SITE = """
Site("web", directory="web", spa=True, environment={"API_URL": api.url})
"""
BUILT = """
Site("docs", directory="pages/out", build="{python} make.py", error="404.html")
"""
GREETER = """
def handler(event, context):
    return {"greeting": "hello from the api"}
"""
PAGE = """<!doctype html>
<title>a site</title>
<link rel="stylesheet" href="/style.0a1b2c3d.css">
<script src="/klotho-config.js"></script>
<h1>One page</h1>
<p id="path"></p>
<p id="said">nothing yet</p>
<script type="module" src="/app.js"></script>
"""
SCRIPT = """
document.querySelector("#path").textContent = `path ${location.pathname}`;
const answer = await fetch(`${klotho.API_URL}/greeting`);
document.querySelector("#said").textContent = (await answer.json()).greeting;
"""
MAKE = """
import pathlib
out = pathlib.Path("out"); out.mkdir(exist_ok=True)
(out / "index.html").write_text("built from " + pathlib.Path("source.txt").read_text())
(out / "404.html").write_text("not here")
"""


class App:
    """The program in a folder of its own, and the commands one gives it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "app"
        # Ports follow from the project's name: tests side by side must not want the same.
        self.project = f"sites-{abs(hash(str(folder))) % 10**8}"
        for name, text in {
            "greeter.py": GREETER, "web/index.html": PAGE, "web/app.js": SCRIPT, "web/old.css": "p {}",
            "web/style.0a1b2c3d.css": "h1 { color: teal; font-family: sans-serif }", "web/.env": "SECRET=1",
            "pages/make.py": MAKE, "pages/source.txt": "one",
        }.items():  # fmt: skip
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.delenv("CI", raising=False)
        self.state = connect.state_folder(self.project, "local")

    def says(self, *parts: str) -> None:
        text = "".join(part.format(python=sys.executable) if part is BUILT else part for part in parts)
        (self.folder / "infra.py").write_text(f"PROJECT = {self.project!r}\n{PROGRAM}{text}")

    def klotho(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "klotho.cli", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    def up(self) -> dict[str, Any]:
        return dict(json.loads(self.klotho("up", "--yes", "--json")))

    def url(self, site: str) -> str:
        return self.klotho("outputs", f"{site}.url").strip()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    made = App(tmp_path, monkeypatch)
    yield made
    connect.stop_any(made.state)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def results(answer: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {
        site["construct"]: (site["result"], site["changed"], site["removed"], site["invalidated"])
        for site in answer["sites"]
    }


def test_a_site_is_published_changed_killed_and_taken_away(app: App) -> None:
    app.says(SITE, BUILT)
    first = app.up()
    assert results(first) == {"Site/docs": ("published", 2, 0, 0), "Site/web": ("published", 5, 0, 0)}
    web, docs = app.url("web"), app.url("docs")
    assert get(f"{web}/")[1] == PAGE and get(f"{web}/deep/link")[1] == PAGE
    assert get(f"{web}/.env")[0] == 404
    api = app.klotho("outputs", "api.url").strip()
    assert json.loads(get(f"{web}/klotho-config.js")[1].partition("(")[2].rpartition(")")[0]) == {"API_URL": api}
    assert get(f"{docs}/") == (200, "built from one")
    assert get(f"{docs}/nothing") == (404, "not here")

    assert app.klotho("logs", "web") == ""  # the viewer function has nothing to say

    # Nothing changed, then one file: no stack either time.
    assert set(results(app.up()).values()) == {("unchanged", 0, 0, 0)}
    get(f"{web}/app.js")
    (app.folder / "web" / "app.js").write_text("changed()")
    (app.folder / "web" / "old.css").unlink()
    previewed = json.loads(app.klotho("preview", "--json"))
    assert [item["action"] for item in previewed["stacks"]] == ["unchanged"] * len(previewed["stacks"])
    (changed,) = [item for item in previewed["sites"] if item["construct"] == "Site/web"]
    assert (changed["action"], changed["changed"], changed["removed"]) == ("update", 1, 1)
    again = app.up()
    assert {stack["result"] for stack in again["stacks"]} == {"unchanged"}
    assert results(again)["Site/web"] == ("published", 1, 1, 2)
    assert get(f"{web}/app.js")[1] == "changed()" and get(f"{web}/old.css")[0] == 404

    # A changed input is built again; what a build breaks leaves the old pages up.
    (app.folder / "pages" / "source.txt").write_text("two")
    assert results(app.up())["Site/docs"] == ("published", 1, 0, 1)
    (app.folder / "pages" / "make.py").write_text("raise SystemExit('it broke')")
    assert "it broke" in app.klotho("up", "--yes", code=4)
    assert get(f"{docs}/") == (200, "built from two")

    # Killed: the same addresses, the same files.
    os.kill(json.loads((app.state / "supervisor.json").read_text())["pid"], signal.SIGKILL)
    end = time.monotonic() + 20
    while connect.running(app.state) is not None and time.monotonic() < end:
        time.sleep(0.1)
    (app.folder / "pages" / "make.py").write_text(MAKE)
    assert {stack["result"] for stack in app.up()["stacks"]} == {"unchanged"}
    assert get(f"{web}/app.js")[1] == "changed()" and get(f"{docs}/")[1] == "built from two"

    # Taken out of the program: no data is lost by that, and nothing is left.
    app.says(BUILT)
    gone = {stack["name"]: stack["result"] for stack in app.up()["stacks"]}
    assert gone["web-site"] == "deleted"
    with pytest.raises(urllib.error.URLError):
        get(f"{web}/")


@needs_browser
def test_a_browser_shows_the_page_follows_a_deep_link_and_calls_the_api(app: App, tmp_path: Path) -> None:
    app.says(SITE)
    app.up()
    web = app.url("web")
    shot = tmp_path / "page.png"
    page = browse(f"{web}/orders/7?a=1", tmp_path / "profile", f"--screenshot={shot}", "--window-size=600,300")
    assert "One page" in page and "path /orders/7" in page
    assert "hello from the api" in page
    assert shot.stat().st_size > 1000
