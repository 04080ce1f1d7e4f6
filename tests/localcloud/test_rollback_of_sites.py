"""Going back to an earlier revision brings back the files of its sites; Ctrl-C stops it without leaving a mess."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.localcloud.aws_account import Account, account, settings
from tests.localcloud.front import Front

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
import klotho
from klotho import API, Compute, Messaging, Site

klotho.Application("shop")
hello = Compute.Function("hello", handler="hello.handler")
api = API("api", cors=True)
api.attach_service(hello, route="/hello")
Site("web", directory="web", environment={"API_URL": api.url})
"""
JOBS = 'jobs = Messaging.Queue("jobs")\nhello.sends_to(jobs)\n'
BUCKET = "klotho-artifacts-000000000000-eu-central-1"


class Shop:
    def __init__(self, aws: Account, front: Front) -> None:
        self.aws, self.front = aws, front

    def up(self, files: dict[str, str], more: str = "") -> dict[str, Any]:
        shutil.rmtree(self.aws.folder / "web", ignore_errors=True)
        self.aws.write({f"web/{name}": text for name, text in files.items()})
        self.aws.write({"infra.py": PROGRAM + more, "hello.py": 'def handler(*given): return {"statusCode": 200}\n'})
        return self.aws.json("up", "--env", "prod", "--yes")

    def rollback(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        return self.aws.json("rollback", *arguments, "--env", "prod", "--app", "shop", "--yes", exit_code=exit_code)

    def history(self) -> list[dict[str, Any]]:
        return list(self.aws.json("history", "--env", "prod", "--app", "shop")["revisions"])

    def get(self, path: str) -> str | int:
        """What visitors see of the site, or the status."""
        (stack,) = self.aws.client("cloudformation").describe_stacks(StackName="default--shop--prod--web-site")[
            "Stacks"
        ]
        url = next(item["OutputValue"] for item in stack["Outputs"] if item["OutputValue"].startswith("http"))
        try:
            with urllib.request.urlopen(f"{url}/{path}", timeout=10) as found:
                return str(found.read().decode())
        except urllib.error.HTTPError as error:
            return error.code

    def keys(self) -> set[str]:
        """What lies in the site's bucket; a CDN that said 404 says so for a while."""
        s3 = self.aws.client("s3")
        (bucket,) = [item["Name"] for item in s3.list_buckets()["Buckets"] if "web-site" in item["Name"]]
        return {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]} - {"klotho-config.js"}

    def kept(self, text: str) -> list[str]:
        """The objects of the artifact bucket that hold this text."""
        s3 = self.aws.client("s3")
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix="site-files/")["Contents"]]
        return [key for key in keys if s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == text.encode()]


FIRST = {"index.html": "first", "about.html": "about", "app.css": "p {}"}
SECOND = {"index.html": "second", "app.css": "p {}", "new.html": "new"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with account(tmp_path_factory.mktemp("sites")) as aws, Front() as front:
        made = Shop(replace(aws, variables={**aws.variables, **front.variables}), front)
        made.aws.write({"klotho.yaml": settings()})
        made.up(FIRST, JOBS)
        yield made


def test_changed_files_alone_are_a_revision_and_what_two_of_them_share_is_kept_once(shop: Shop) -> None:
    done = shop.up(SECOND, JOBS)
    assert {stack["result"] for stack in done["stacks"]} == {"unchanged"}
    latest, first = shop.history()
    assert (latest["number"], latest["published"], latest["outcome"]) == (2, ["Site/web"], "succeeded")
    assert set(latest["results"].values()) == {"unchanged"} and latest["sites"] != first["sites"]
    assert "files of web" in shop.aws.klotho("history", "--env", "prod").stdout.splitlines()[1]
    assert len(shop.kept("p {}")) == 1
    shop.up(SECOND, JOBS)
    assert len(shop.history()) == 2, "nothing changed, so no revision"


def test_a_rollback_publishes_the_files_of_its_revision_without_the_source(shop: Shop) -> None:
    assert (shop.get("index.html"), shop.keys()) == ("second", set(SECOND))
    shutil.rmtree(shop.aws.folder / "web")
    shop.aws.write({"infra.py": "this is no program"})
    page = shop.aws.klotho("rollback", "--env", "prod", "--app", "shop", "--yes")
    assert page.returncode == 0, page.stderr
    assert "update files of web" in page.stdout and "stay as they are" not in page.stderr
    assert (shop.get("index.html"), shop.get("about.html"), shop.keys()) == ("first", "about", set(FIRST))
    assert "API_URL" in str(shop.get("klotho-config.js"))
    latest = shop.history()[0]
    assert (latest["of"], latest["published"]) == (1, ["Site/web"])
    assert shop.rollback()["revision"] == 2, "the one it came from"
    assert (shop.get("index.html"), shop.get("new.html"), shop.keys()) == ("second", "new", set(SECOND))


def test_a_file_that_is_gone_is_named_before_anything_is_touched(shop: Shop) -> None:
    (about,) = shop.kept("about")
    shop.aws.client("s3").delete_object(Bucket=BUCKET, Key=about)
    done = shop.rollback("1", exit_code=1)
    assert "revision 1 can't be deployed again: about.html of web is gone" in json.dumps(done)
    assert shop.get("index.html") == "second"
    shop.aws.client("s3").put_object(Bucket=BUCKET, Key=about, Body=b"about")


def test_ctrl_c_finishes_the_stack_that_has_begun_and_running_it_again_does_the_rest(shop: Shop) -> None:
    """Back to a revision with a queue that a function needs: the queue is made, the function is not begun."""
    shop.up(SECOND)
    command = [sys.executable, "-m", "klotho.cli", "rollback", "1", "--env", "prod", "--app", "shop", "--yes"]
    code, said = shop.front.run(
        command, lambda number, call: call.action == "CreateStack", signal.SIGINT, cwd=shop.aws.folder,
        env=shop.aws.variables,
    )  # fmt: skip
    assert code == 8, said
    assert "error[cancelled]: stopped as you asked" in said and "done: jobs-queue; not begun: hello-function" in said
    assert shop.aws.stacks()["default--shop--prod--jobs-queue"] == "CREATE_COMPLETE"
    assert shop.get("index.html") == "second", "files come last"
    assert shop.history()[0]["outcome"] == "failed"
    assert shop.rollback("1")["ok"]
    assert (shop.get("index.html"), shop.keys()) == ("first", set(FIRST))


def test_after_down_a_rollback_brings_the_site_back_with_its_files(shop: Shop) -> None:
    shop.up(SECOND, JOBS)
    number = shop.history()[0]["number"]
    assert shop.aws.klotho("down", "--env", "prod", "--yes").returncode == 0
    assert not [name for name in shop.aws.stacks() if "shop" in name]
    assert shop.rollback(str(number))["ok"]
    assert (shop.get("index.html"), shop.keys()) == ("second", set(SECOND))
