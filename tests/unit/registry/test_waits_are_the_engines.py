"""What the project's circles are made of is what the engine makes: which stack takes values of which other one."""

from __future__ import annotations

from pathlib import Path

from klotho.driver.build import build
from klotho.driver.program import find_program
from klotho.registry import Joined, Member
from klotho.registry.rules.circles import _waits

PROGRAM = """
import klotho
from klotho import API, Auth, Compute, Databases, Domain, Messaging, Schedule, Secret, Storage

klotho.Application("shop", project="acme")
lost = Messaging.Queue("lost")
jobs = Messaging.Queue("jobs", dead_letter=lost)
news = Messaging.Topic("news")
jobs.subscribes_to(news)
table = Databases.KeyValue("orders", key="id")
db = Databases.Postgres("db")
files = Storage.Bucket("files")
key = Secret("key")
pool = Auth.UserPool("people")
api = API("api")
inner = API("inner", public=False)
judge = Compute.Function("judge", handler="work.handler")
work = Compute.Function("work", handler="work.handler", environment={"URL": api.url})
web = Compute.Container("web", image="nginx")
box = Compute.Container("box", image="nginx")
work.calls(judge)
judge.calls(work)
web.calls(box)
work.calls(box)
box.calls(judge)
box.calls(inner)
inner.attach_service(work, route="/inner")
api.attach_service(web, route="/web")
api.authenticates_with(pool)
api.authenticates_with(judge, route="/web")
work.consumes(jobs)
work.subscribes_to(news)
work.publishes_to(news)
web.sends_to(jobs)
work.triggered_by(files)
work.triggered_by(table, dead_letter=lost)
work.triggered_by(Schedule("daily", every="1 day"))
web.reads_from(db)
web.writes_to(files)
web.uses(key)
Domain("shop.example", exposes=api)
"""


def test_each_wait_is_a_dependency_of_stacks_and_each_dependency_a_wait(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(PROGRAM)
    (tmp_path / "work.py").write_text("def handler(event, context):\n    return {}\n")
    built = build(find_program(tmp_path), None)
    stack = {name: item.name for item in built.manifest.stacks for name in item.constructs}
    real = {(item.name, other) for item in built.manifest.stacks for other in item.depends_on if item.constructs}
    joined = Joined("acme", "local", [Member(built.application, str(tmp_path), here=True)])
    waits = {
        (stack[item.waiting.construct], stack[item.source.construct])
        for item in _waits(joined)
        if item.source.construct in stack  # a schedule has no stack: it is its function's
    }
    assert {pair for pair in waits if pair[0] != pair[1]} == {pair for pair in real if pair[1] in stack.values()}
