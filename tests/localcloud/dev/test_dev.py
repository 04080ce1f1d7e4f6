"""`klotho dev` against a real local cloud: save, call, be wrong, change the program, end. In this order."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from tests.localcloud.dev.dev_harness import Dev, Shop

pytestmark = pytest.mark.localcloud


def stacks(dev: Dev) -> dict[str, str]:
    """Last update time of every stack: what no swap may change."""
    from klotho.deploy.place import Clients, Place
    from klotho.localcloud import connect

    connection = connect.running(dev.shop.state)
    assert connection is not None
    place = Place(connection.region, "0" * 12, connection.endpoint_url, connection.access_key, connection.secret_key)
    found = Clients(place).cloudformation.describe_stacks()["Stacks"]
    return {item["StackName"]: str(item.get("LastUpdatedTime", item["CreationTime"])) for item in found}


def test_a_saved_function_serves_in_place_without_a_deployment(dev: Dev, record_property: Any) -> None:
    before = stacks(dev)
    assert dev.get("/py") == "one"
    dev.shop.replace("functions/py.py", "WORD}", "WORD + '!'}")
    event = dev.reloaded("py")
    assert (event["event"], event["kind"], event["files"]) == ("reloaded", "function", ["functions/py.py"])
    assert dev.get("/py") == "one!"
    assert stacks(dev) == before
    record_property("figure", f"klotho dev: a Python function serves {event['ms']} ms after the save")


def test_a_file_that_a_function_imports_is_part_of_it(dev: Dev) -> None:
    dev.shop.write("shared/words.py", "WORD = 'two'\n")
    assert dev.reloaded("py")["files"] == ["shared/words.py"]
    assert dev.get("/py") == "two!"


def test_a_saved_node_function_serves_in_place(dev: Dev, record_property: Any) -> None:
    assert dev.get("/js") == "one"
    dev.shop.replace("functions/js.js", "'one'", "'two'")
    event = dev.reloaded("js")
    assert (event["event"], dev.get("/js")) == ("reloaded", "two")
    record_property("figure", f"klotho dev: a Node function serves {event['ms']} ms after the save")


def test_a_saved_file_of_a_container_starts_a_new_process_and_its_log_is_shown(dev: Dev, record_property: Any) -> None:
    assert dev.get("/web") == "one"
    dev.shop.replace("web/main.py", '"one"', '"two"')
    event = dev.reloaded("web")
    assert (event["event"], event["kind"], dev.get("/web")) == ("reloaded", "container", "two")
    record_property("figure", f"klotho dev: a container serves {event['ms']} ms after the save")
    if not any(item.get("message") == "web two" for item in dev.seen):
        dev.wait_for(lambda item: item.get("message") == "web two" and item["service"] == "web")


def test_a_saved_file_of_a_site_is_published_without_a_stack(dev: Dev) -> None:
    before = stacks(dev)
    dev.shop.write("page/index.html", "<h1>two</h1>\n")
    assert dev.reloaded("page")["kind"] == "site"
    with urllib.request.urlopen(dev.urls["page.url"], timeout=10) as answer:
        assert b"two" in answer.read()
    assert stacks(dev) == before


@pytest.mark.parametrize(
    ("service", "file", "wrong", "code", "path", "answer"),
    [
        ("py", "functions/py.py", "def (\n", "function-does-not-parse", "/py", "two!"),
        ("js", "functions/js.js", "exports.handler = (;\n", "function-does-not-parse", "/js", "two"),
        ("py", "functions/py.py", "import os\n\nnot_there()\n", "code-does-not-start", "/py", "two!"),
        ("js", "functions/js.js", "\nnotThere();\n", "code-does-not-start", "/js", "two"),
        ("web", "web/main.py", "raise SystemExit('no coffee')\n", "code-does-not-start", "/web", "two"),
    ],
)
def test_a_mistake_keeps_the_old_code_serving_and_is_shown_where_it_is(
    dev: Dev, service: str, file: str, wrong: str, code: str, path: str, answer: str
) -> None:
    right = (dev.shop.folder / file).read_text()
    dev.shop.write(file, wrong)
    event = dev.reloaded(service)
    found = event["diagnostics"][0]
    assert (event["event"], found["code"]) == ("refused", code)
    if service != "web":
        line = 1 + next(number for number, text in enumerate(wrong.splitlines()) if "(" in text)
        assert (found["labels"][0]["span"]["file"], found["labels"][0]["span"]["line"]) == (file, line)
    else:
        assert "no coffee" in str(found)
    assert dev.get(path) == answer
    dev.shop.write(file, right)
    assert dev.reloaded(service)["event"] == "reloaded"
    assert dev.get(path) == answer


def test_status_says_what_runs_code_that_is_not_deployed(dev: Dev) -> None:
    units = dev.shop.units()
    assert all("not deployed yet" in units[name]["detail"] for name in ("py", "js", "web"))


def test_up_from_another_terminal_deploys_what_was_swapped(dev: Dev) -> None:
    dev.shop.json("up")
    assert (dev.get("/py"), dev.get("/js"), dev.get("/web")) == ("two!", "two", "two")
    assert not any("not deployed" in str(unit["detail"]) for unit in dev.shop.units().values())


def test_a_program_with_mistakes_is_told_and_everything_goes_on(dev: Dev) -> None:
    dev.shop.replace("infra.py", 'key="id"', 'kee="id"')
    event = dev.wait_for(lambda item: item.get("event") == "refused" and item["service"] is None)
    assert event["diagnostics"][0]["labels"][0]["span"]["file"] == "infra.py"
    assert dev.get("/py") == "two!"


def test_a_changed_program_is_deployed_with_what_was_swapped(dev: Dev) -> None:
    dev.shop.replace("infra.py", 'kee="id"', 'key="id"')
    dev.shop.replace("infra.py", 'route="/js"', 'route="/node"')
    dev.wait_for(
        lambda item: (
            item.get("event") == "planned"
            and any(stack["result"] == "updated" and "js" in stack["name"] for stack in item["stacks"])
        )
    )
    assert (dev.get("/node"), dev.get("/py"), dev.get("/web")) == ("two", "two!", "two")
    assert not any("not deployed" in str(unit["detail"]) for unit in dev.shop.units().values())


def test_ctrl_c_leaves_deployed_what_serves(dev: Dev) -> None:
    dev.shop.replace("functions/py.py", "'!'", "'?'")
    dev.reloaded("py")
    assert dev.end() == {"event": "ended", "deployed": True, "taken_back": []}
    assert dev.get("/py") == "two?"
    assert not any("not deployed" in str(unit["detail"]) for unit in dev.shop.units().values())
    assert {stack["result"] for stack in dev.shop.json("up")["stacks"]} == {"unchanged"}


def test_code_that_cannot_be_deployed_at_the_end_is_taken_back_and_said(shop: Shop) -> None:
    again = Dev(shop)
    try:
        shop.replace("functions/py.py", "'?'", "'#'")
        assert again.reloaded("py")["event"] == "reloaded"
        right = (shop.folder / "functions/js.js").read_text()
        shop.write("functions/js.js", "exports.handler = (;\n")
        assert again.reloaded("js")["event"] == "refused"
        assert again.get("/py") == "two#"
        assert again.end() == {"event": "ended", "deployed": False, "taken_back": ["py"]}
        assert again.get("/py") == "two?"
        shop.write("functions/js.js", right)
    finally:
        again.kill()


def test_up_brings_in_line_what_a_killed_dev_has_left(shop: Shop) -> None:
    shop.json("up")
    again = Dev(shop)
    shop.replace("functions/py.py", "'#'", "'$'")
    shop.replace("web/main.py", '"two"', '"three"')
    for name in ("py", "web"):
        if not any(event.get("service") == name and event.get("event") == "reloaded" for event in again.seen):
            again.reloaded(name)
    again.kill()
    assert "a `klotho dev` that has ended" in shop.units()["py"]["detail"]
    shop.replace("functions/py.py", "'$'", "'#'")
    shop.replace("web/main.py", '"three"', '"two"')
    assert {stack["result"] for stack in shop.json("up")["stacks"]} == {"unchanged"}
    assert (again.get("/py"), again.get("/web")) == ("two#", "two")


def test_a_second_dev_names_the_first_one_and_takes_over_when_asked(shop: Shop) -> None:
    shop.json("up")
    first = Dev(shop)
    refused = shop.klotho("dev")
    assert refused.returncode == 10
    assert f"(pid {first.process.pid})" in refused.stderr and "it runs `klotho dev`" in refused.stderr
    assert "or run `klotho dev --take-over`" in refused.stderr
    second = Dev(shop, "--take-over")
    try:
        assert first.process.wait(20) == 10, "it ends by itself"
        last = first.wait_for(lambda item: item.get("ok") is False, 5)
        assert last["diagnostics"][0]["code"] == "lease-lost"
        shop.replace("functions/py.py", "'#'", "'%'")
        assert second.reloaded("py")["event"] == "reloaded"
        assert second.end() == {"event": "ended", "deployed": True, "taken_back": []}
    finally:
        second.kill()
