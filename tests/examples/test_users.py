"""The users example: every endpoint, data that outlive `down` and `kill -9`, no secret where it does not belong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from tests.examples import processes
from tests.examples.conftest import Deploy
from tests.examples.deployment import Answer, Client, Deployment

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]

ADA = {"email": "ada@example.com", "name": "Ada"}


@pytest.fixture(scope="module")
def users(deploy: Deploy) -> Deployment:
    deployment = deploy("users")
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def api(users: Deployment) -> Client:
    return users.client("users-api")


def created(api: Client, name: str) -> dict[str, object]:
    answer = api.post("/users", {"email": f"{name}@example.com", "name": name})
    assert answer.status == 201, answer.text
    assert answer.headers["location"] == f"/users/{answer.json['id']}"
    return dict(answer.json)


def message(answer: Answer, status: int) -> str:
    assert answer.status == status, answer.text
    return str(answer.json["message"])


def test_a_user_is_created_listed_read_changed_and_deleted(api: Client) -> None:
    user = created(api, "grace")
    path = f"/users/{user['id']}"
    assert user in api.get("/users").json["users"]
    assert api.get(path).json == user
    changed = api.call("PUT", path, {"email": "Hopper@Example.com", "name": "Grace H."})
    assert changed.status == 200
    assert changed.json == {**user, "email": "hopper@example.com", "name": "Grace H."}
    assert api.get(path).json == changed.json
    gone = api.call("DELETE", path)
    assert (gone.status, gone.text) == (204, "")
    assert message(api.get(path), 404) == "no such user"


@pytest.mark.parametrize("body", ["{", "[]", "", {"email": "ada", "name": "Ada"}, {"email": "ada@example.com"}])
def test_what_is_no_user_is_refused(api: Client, body: object) -> None:
    assert message(api.post("/users", body), 400)


def test_an_address_that_is_taken_is_refused(api: Client) -> None:
    created(api, "linus")
    other = created(api, "ken")
    assert message(api.post("/users", {"email": "LINUS@example.com", "name": "L"}), 409)
    assert message(api.call("PUT", f"/users/{other['id']}", {"email": "linus@example.com", "name": "Ken"}), 409)


def test_an_unknown_user_and_an_unknown_page_are_not_found(api: Client) -> None:
    for method, body in (("GET", None), ("PUT", ADA), ("DELETE", None)):
        assert message(api.call(method, "/users/999999", body), 404) == "no such user"
    assert api.get("/users/x").status == 404
    assert message(api.get("/nothing"), 404) == "Not Found", "the API's own answer: no route leads there"


def test_bringing_it_up_again_changes_nothing(
    users: Deployment, api: Client, record_property: Callable[[str, object], None]
) -> None:
    before = users.processes()
    start = time.monotonic()
    assert set(users.up().values()) == {"unchanged"}
    seconds = time.monotonic() - start
    assert processes.still_alive(before) == before, "nothing was restarted"
    assert api.get("/users").status == 200
    record_property("figure", f"unchanged `klotho up` of users: {seconds:.2f} s")


def test_data_outlive_down_and_up(users: Deployment, api: Client) -> None:
    user = created(api, "barbara")
    url, running = users.url("users-api"), users.processes()
    users.down()
    assert processes.still_alive(running) == {}
    users.up()
    assert users.url("users-api") == url
    assert Client(url).get(f"/users/{user['id']}").json == user


def test_after_kill_9_of_everything_up_brings_back_the_same_url_and_the_data(users: Deployment, api: Client) -> None:
    user = created(api, "edsger")
    url, running = users.url("users-api"), users.processes()
    assert len(running) >= 3, "supervisor, database and container at least"
    processes.kill(running)
    assert processes.wait_until_gone(running, 10) == {}
    users.up()
    assert users.url("users-api") == url
    assert Client(url).get(f"/users/{user['id']}").json == user
    assert created(Client(url), "margaret")["id"] != user["id"]


def test_a_killed_supervisor_takes_its_children_along(users: Deployment, api: Client) -> None:
    user = created(api, "alan")
    url, running, supervisor = users.url("users-api"), users.processes(), int(users.supervisor["pid"])
    processes.kill({supervisor: running[supervisor]})
    left = processes.wait_until_gone(running, 20)
    assert left == {}, [processes.command_of(pid) for pid in left]
    users.up()
    assert Client(url).get(f"/users/{user['id']}").json == user


def test_the_password_of_the_database_is_nowhere_but_where_it_is_kept(users: Deployment, api: Client) -> None:
    """Not looked into: the state database (it is the secret store) and PostgreSQL's own data folder."""
    assert api.get("/users").status == 200, "so that the service has fetched the password"
    password = password_of_the_database(users)
    users.klotho("build")
    users.klotho("status", "--json")
    users.klotho("outputs", "--json")
    users.output.append(users.logs())
    found = [str(path) for path in files_of(users) if password.encode() in path.read_bytes()]
    found += [
        f"environment of {processes.command_of(pid)}"
        for pid in users.processes()
        if password in processes.environment_of(pid) or password in processes.command_of(pid)
    ]
    found += [text for text in users.output if password in text]
    assert found == []


def password_of_the_database(users: Deployment) -> str:
    where = users.supervisor
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=where["endpoint_url"],
        region_name=where["region"],
        aws_access_key_id=where["access_key"],
        aws_secret_access_key=where["secret_key"],
    )
    arn = users.klotho("outputs", "users_db.secret_arn").stdout.strip()
    password = str(json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["password"])
    assert len(password) >= 16
    return password


def files_of(users: Deployment) -> Iterator[Path]:
    for root in (users.folder, users.state):
        for path in root.rglob("*"):
            private = path.name.startswith("state.sqlite3") or path.is_relative_to(users.state / "postgres")
            if path.is_file() and not path.is_symlink() and not private:
                yield path
