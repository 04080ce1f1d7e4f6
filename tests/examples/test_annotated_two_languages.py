"""A unit of JavaScript and one of Python: what one stores the other reads, what one emits the other hears, and what
ends for one ends for the other."""

from __future__ import annotations

import pytest

from tests.examples.conftest import Deploy
from tests.examples.test_annotated_events import becomes
from tests.examples.test_chicken_auction import client

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]


def test_stores_and_events_are_shared_by_units_of_two_languages(deploy: Deploy) -> None:
    deployment = deploy("annotated-two-languages")
    assert {"main-unit", "reports-unit"} <= set(deployment.up())
    pets, reports = deployment.client("pets-api"), deployment.client("reports-api")
    for name, kind in (("Rex", "dog"), ("Tom", "cat")):
        assert pets.call("PUT", f"/pets/{name}", {"kind": kind}).status == 201
    assert reports.get("/report").json == {"Rex": "a dog since 1970", "Tom": "a cat since 1970"}
    assert pets.get("/owners/Ada").status == 404
    assert pets.post("/pets/Rex/owner", {"owner": "Ada"}).status == 202
    assert "warm-reports" in deployment.klotho("status").stdout
    name = deployment.klotho("outputs", "reports.arn").stdout.strip()
    warm = client(deployment, "lambda").invoke(FunctionName=name, Payload=b'{"schedule": "warm-reports"}')
    assert (warm["Payload"].read(), warm.get("FunctionError")) == (b"null", None)
    # What Python stored: `kinds` is a set, which JavaScript's JSON shows as an object without properties.
    becomes(pets, "/owners/Ada", {"pets": ["Rex"], "kinds": {}})
    assert pets.call("PUT", "/pets/Rex/note", {"text": "likes bones"}).status == 201
    assert reports.post("/summary", {}).json == ["Rex"]
    assert pets.get("/notes/summary").text == "Rex: likes bones"
    # A hold is there for both languages, and for both it ends.
    assert pets.call("PUT", "/pets/Tom/hold", {"by": "Ann"}).status == 201
    assert pets.call("PUT", "/pets/Tom/hold", {"by": "Bob"}).status == 409
    assert reports.get("/held").json == {"Tom": "Ann"}
    becomes(reports, "/held", {})
    assert pets.call("PUT", "/pets/Tom/hold", {"by": "Bob"}).status == 201
