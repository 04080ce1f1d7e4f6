"""A small change stays small: what `up` calls for one function's code, one route, one file of a site."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from klotho.deploy.events import Event, ResourceChanged
from klotho.driver import deployment, local_cloud
from klotho.driver.deployment import UpResult
from klotho.driver.program import find_program
from klotho.localcloud import connect
from tests.localcloud.dev.dev_harness import Shop

pytestmark = pytest.mark.localcloud
READS = ("Describe", "Get", "List", "Head", "Filter")


class Watched:
    """`up` in this process, with every call it makes and every resource it changes."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = shop
        self.calls: list[str] = []
        self.changed: list[str] = []
        former = local_cloud._session

        def counted(*arguments: Any) -> local_cloud.Session:
            session = former(*arguments)
            session.clients.events.register("before-parameter-build", self._called)
            return session

        monkeypatch.setattr(local_cloud, "_session", counted)

    def _called(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        key = str(params.get("Key", ""))
        self.calls.append(f"{model.name} {key.split('/')[0]}".rstrip())

    def _event(self, event: Event) -> None:
        if isinstance(event, ResourceChanged) and event.status == "UPDATE_COMPLETE":
            self.changed.append(event.type)

    def up(self) -> UpResult:
        self.calls.clear()
        self.changed.clear()
        return deployment.up(find_program(self.shop.folder), None, self._event)

    @property
    def writes(self) -> list[str]:
        return [name for name in self.calls if not name.startswith(READS)]

    @property
    def stacks(self) -> list[str]:
        """The calls that change a stack."""
        return [name for name in self.writes if "Stack" in name or "ChangeSet" in name]

    @property
    def packages(self) -> list[str]:
        """The uploads of functions' packages."""
        return [name for name in self.writes if name == "PutObject functions"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    found = Shop(tmp_path_factory.mktemp("small"))
    found.json("up")
    yield found
    connect.stop_any(found.state)


@pytest.fixture
def watched(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Watched:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, shop.environment[name])
    return Watched(shop, monkeypatch)


def updated(result: UpResult) -> list[str]:
    return [outcome.stack for outcome in result.deployment.outcomes if outcome.result != "unchanged"]


def answer(result: UpResult, path: str) -> str:
    with urllib.request.urlopen(result.outputs["api.url"] + path, timeout=10) as found:
        return str(found.read().decode())


def test_the_code_of_one_function_is_one_upload_and_one_stack_and_live_at_once(
    watched: Watched, record_property: Any
) -> None:
    watched.shop.replace("functions/js.js", "'one'", "'two'")
    begun = time.perf_counter()
    result = watched.up()
    assert answer(result, "/js") == "two"
    record_property("figure", f"code-only up: live after {time.perf_counter() - begun:.2f} s")
    assert (updated(result), watched.changed) == (["js-function"], ["AWS::Lambda::Function"])
    assert (watched.stacks, len(watched.packages)) == (["UpdateStack"], 1)


def test_one_route_is_one_stack_and_no_function(watched: Watched) -> None:
    watched.shop.replace("infra.py", 'route="/js"', 'route="/js", methods=["GET"]')
    result = watched.up()
    assert updated(result) == ["js-function"]
    assert (watched.stacks, watched.packages) == (["UpdateStack"], [])
    assert "AWS::Lambda::Function" not in watched.changed
    assert answer(result, "/js") == "two"


def test_one_file_of_a_site_is_no_stack(watched: Watched) -> None:
    watched.shop.write("page/index.html", "<h1>two</h1>\n")
    result = watched.up()
    assert updated(result) == []
    assert watched.stacks == []
    assert "PutObject index.html" in watched.writes
    with urllib.request.urlopen(result.outputs["page.url"], timeout=10) as found:
        assert b"two" in found.read()


def test_nothing_changed_is_no_write_at_all(watched: Watched) -> None:
    result = watched.up()
    assert (updated(result), watched.writes) == ([], [])
