"""The project example: two repositories, cloned apart, brought up in either order."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.deployment import EXAMPLES, Client, Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(400)]


def clone(name: str, folder: Path, project: str, cache_home: Path | None) -> Deployment:
    """A clone of a repository that holds this half of the example, and nothing of the other."""
    origin, target = folder / "origins" / name, folder / "clones" / name
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-C", str(origin)]
    subprocess.run(["git", "init", "-q", str(origin)], check=True)
    subprocess.run(["cp", "-r", f"{EXAMPLES}/project/{name}/.", str(origin)], check=True)
    (origin / "klotho.yaml").write_text(f"project: {project}\n", encoding="utf-8")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "as it is"], check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(target)], check=True)
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "NO_COLOR": "1", "CI": ""}
    if cache_home is not None:
        environment["XDG_CACHE_HOME"] = str(cache_home)
    return Deployment(target, project, folder / "state", environment)


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, cache_home: Path | None
) -> Iterator[tuple[Deployment, Deployment]]:
    """User service and billing service; neither is up."""
    folder = tmp_path_factory.mktemp("kentoso")
    project = f"kentoso-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    users, billing = (clone(name, folder, project, cache_home) for name in ("user-service", "billing-service"))
    left = []
    try:
        yield users, billing
    finally:
        billing.down("--delete-data", "billing-service")
        left = users.end()
    assert left == [], "processes are left after `klotho down`"


def test_billing_alone_is_told_what_has_to_be_deployed_first(services: tuple[Deployment, Deployment]) -> None:
    said = services[1].klotho("up", "--yes", exit_code=1).stderr
    assert 'Compute.Function "create_invoice"' in said and 'API "kentoso-api"' in said
    assert "klotho up" in said


def test_the_second_repository_joins_the_first_and_serves_a_route_of_its_api(
    services: tuple[Deployment, Deployment],
) -> None:
    users, billing = services
    users.up()
    assert set(billing.up().values()) == {"created"}
    answers(users.client("kentoso-api"))
    shown = users.klotho("project", "show").stdout
    assert "user-service" in shown and "billing-service" in shown


def test_in_the_other_order_nothing_changes(services: tuple[Deployment, Deployment]) -> None:
    users, billing = services
    handler = billing.folder / "functions" / "billing.py"
    handler.write_text(handler.read_text().replace('"invoices": list', '"all": list'))
    assert billing.up()["billing-function"] == "updated"
    assert set(users.up().values()) == {"unchanged"}
    api = users.client("kentoso-api")
    assert api.get("/billing").json["all"]
    handler.write_text(handler.read_text().replace('"all": list', '"invoices": list'))
    assert set(users.up().values()) == {"unchanged"}
    assert billing.up()["billing-function"] == "updated"
    answers(api)


def answers(api: Client) -> None:
    """Both repositories are behind one address."""
    name = f"ada{len(api.get('/users').json['users'])}@example.com"
    assert api.post("/users", {"email": name, "name": "Ada"}).status == 201
    assert name in [user["email"] for user in api.get("/users").json["users"]]
    made = api.post("/billing", {"user": name, "cents": 1250})
    assert made.status == 201 and made.json["text"] == f"{name} owes 12.50 EUR"
    assert made.json in api.get("/billing").json["invoices"]
