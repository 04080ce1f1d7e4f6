"""What each rule over the joined project refuses and what it lets pass; the words are in tests/golden/conflicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from klotho.application import Application, Construct, ConstructId, Directive, Existing, Relationship, token
from klotho.diagnostics import Span
from klotho.registry import Broken, Conflict, Entry, Snapshot, join, leave
from tests.unit.registry.applications import application, construct, entry

KIND = {
    "api": "API",
    "box": "Compute.Container",
    "db": "Databases.Postgres",
    "fn": "Compute.Function",
    "kv": "Databases.KeyValue",
    "mysql": "Databases.MySQL",
    "pool": "Auth.UserPool",
    "queue": "Messaging.Queue",
    "redis": "Databases.Redis",
    "topic": "Messaging.Topic",
}


def made(name: str, line: int = 3, **more: Any) -> Construct:
    """`queue.jobs`: a queue named jobs; with `properties` as they are given."""
    kind, _, rest = name.partition(".")
    return construct(KIND[kind], rest, line, **more)


def ref(name: str, line: int = 2) -> Construct:
    return made(name, line, from_project=True)


def app(name: str, *constructs: Construct, says: Iterable[str] = ()) -> Application:
    """`says`: `fn.work calls fn.other protocol=async` …, of constructs in the short form."""
    relationships = []
    for number, text in enumerate(says):
        actor, verb, target, *pairs = text.split()
        properties: dict[str, Any] = dict(item.split("=", 1) for item in pairs)
        if "methods" in properties:
            properties["methods"] = properties["methods"].split(",")
        if "public" in properties:
            properties["public"] = True
        relationships.append(
            Relationship(verb, _id(actor), _id(target), properties, Span("infra.py", 50 + number, 1, 50 + number, 9))
        )
    return replace(application(name, *constructs), relationships=tuple(relationships))


def _id(short: str) -> ConstructId:
    kind, _, name = short.partition(".")
    return ConstructId(f"{KIND[kind]}/{name}")


def joined(*published: Application, local: Application | None = None, **more: Any) -> list[Conflict]:
    return join(Snapshot("acme", "prod", tuple(map(entry, published))), local, "/here", **more)


def codes(found: Iterable[Conflict]) -> list[str]:
    return [item.diagnostic.code for item in found]


def change(before: Construct, now: Construct | None, user: Application) -> list[Conflict]:
    """The application `users` had one construct and has another one now."""
    return joined(app("users", before), user, local=app("users", *([now] if now else [])))


def test_a_reference_to_what_one_application_defines_is_fine_by_both_of_its_names() -> None:
    renamed = made("db.users_db", renamed_to="people_db")
    assert joined(app("users", renamed), local=app("billing", ref("db.users_db"))) == []
    assert joined(app("users", renamed), local=app("billing", ref("db.people_db"))) == []


def test_a_dangling_reference_holds_up_only_who_makes_it() -> None:
    found = joined(app("users", made("queue.jobs")), app("billing", ref("db.users_db")), local=app("mail"))
    assert codes(found) == ["dangling-reference"]
    assert [item.concerns(name) for item in found for name in ("billing", "mail", "users")] == [True, False, False]


def test_a_name_that_several_define_as_other_kinds_is_dangling_and_they_are_named() -> None:
    (found,) = joined(app("a", made("mysql.db")), app("b", made("redis.db")), local=app("billing", ref("db.db")))
    assert found.diagnostic.code == "dangling-reference"
    assert any(note.startswith("in `a`") and "Databases.MySQL" in note for note in found.diagnostic.notes)
    assert any(note.startswith("in `b`") and "Databases.Redis" in note for note in found.diagnostic.notes)


def test_a_reference_to_what_the_program_makes_itself_of_another_kind_says_so() -> None:
    (found,) = joined(local=app("billing", made("mysql.db"), ref("db.db")))
    assert found.diagnostic.code == "wrong-kind"
    assert "this program itself" in found.diagnostic.message


def test_a_dangling_reference_says_who_has_broken_it_knowingly() -> None:
    gone = entry(app("users"))
    broken = Broken("billing", _id("db.users_db"), "removing it would break `billing`")
    gone = replace(gone, history=(replace(gone.history[0], broke=(broken,)), *gone.history))
    (found,) = join(Snapshot("acme", "prod", (gone,)), app("billing", ref("db.users_db")), "/here")
    assert any("`users` had it, and has broken `billing` by `--allow-breaking`" in it for it in found.diagnostic.notes)


def test_two_applications_may_use_each_others_constructs() -> None:
    one = app("a", made("fn.f"), made("queue.q"), ref("fn.g"), says=["fn.f calls fn.g"])
    two = app("b", made("fn.g"), ref("queue.q"), ref("fn.f"), says=["fn.g consumes queue.q", "fn.g calls fn.f"])
    assert joined(one, local=two) == []


def test_stacks_that_wait_for_each_other_across_repositories_are_refused_also_by_way_of_a_third() -> None:
    one = app("a", made("box.a"), ref("box.b"), says=["box.a calls box.b"])
    two = app("b", made("box.b"), ref("box.c"), says=["box.b calls box.c"])
    three = app("c", made("box.c"), ref("box.a"), says=["box.c calls box.a"])
    assert joined(one, two, local=app("c", made("box.c"))) == []
    (found,) = joined(one, two, local=three)
    assert found.diagnostic.code == "project-circle"
    assert found.applications == {"a", "b", "c"}
    assert len([line for line in found.diagnostic.notes if line.startswith("in `")]) == 3


def test_a_guard_of_ones_own_behind_anothers_api_and_a_route_on_that_api_are_a_circle() -> None:
    owner = app("a", made("api.api"), ref("fn.judge"), says=["api.api authenticates_with fn.judge"])
    other = app("b", made("fn.judge"), ref("api.api"), says=["api.api attach_service fn.judge route=/judge"])
    assert codes(joined(owner, local=other)) == ["project-circle"]


def test_what_one_stack_holds_waits_together() -> None:
    def one(**more: Any) -> Application:
        return app("a", made("fn.f", **more), made("queue.q", **more), ref("api.api"), says=[
            "api.api attach_service fn.f route=/f"])  # fmt: skip

    other = app(
        "b",
        made("api.api", stack="all"),
        made("fn.g", stack="all"),
        ref("queue.q"),
        says=["fn.g consumes queue.q"],
    )
    assert joined(one(), local=other) == []
    assert codes(joined(one(stack="work"), local=other)) == ["project-circle"]


def test_addresses_and_dead_letters_are_waited_for_too() -> None:
    url = {"environment": {"OTHER": token(_id("box.b"), "url")}}
    one = app("a", made("box.a", properties=url), ref("box.b"))
    two = app("b", made("box.b"), ref("box.a"), says=["box.b calls box.a"])
    assert codes(joined(one, local=two)) == ["project-circle"]
    three = app("c", made("queue.q", properties={"dead_letter": "lost"}), ref("queue.lost"))
    four = app("d", made("queue.lost", properties={"dead_letter": "q"}), ref("queue.q"))
    assert codes(joined(three, local=four)) == ["project-circle"]


@pytest.mark.parametrize(
    ("name", "before", "now", "why"),
    [
        ("kv.t", {"key": [["id", "S"]]}, {"key": [["id", "N"]]}, "its key changes from `id` to `id` (N)"),
        ("kv.t", {}, {"key": [["id", "S"]]}, None),
        ("kv.t", {}, {"ttl": "gone_at"}, None),
        ("kv.t", {"indexes": {"by": {"key": 1}}}, {}, "its index `by` goes"),
        ("kv.t", {"indexes": {"by": {"key": 1}}}, {"indexes": {"by": {"key": 2}}}, "its index `by` gets another key"),
        ("kv.t", {}, {"indexes": {"by": {"key": 1}}}, None),
        ("queue.q", {}, {"fifo": True}, "it becomes FIFO"),
        ("queue.q", {"fifo": True}, {}, "it is FIFO no longer"),
        ("queue.q", {"fifo": False}, {"visibility": 60}, None),
        ("topic.t", {}, {"fifo": True}, "it becomes FIFO"),
        ("db.d", {"version": "18"}, {"version": "17"}, "its version goes down from 18 to 17, a major change"),
        ("db.d", {"version": "17"}, {}, "its version goes up from 17 to 18, a major change"),
        ("db.d", {"version": "18"}, {"storage_gb": 50}, None),
        ("mysql.d", {"version": "8.0"}, {"version": "8.4"}, "its version goes up from 8.0 to 8.4, a major change"),
        ("redis.r", {"version": "8.0"}, {"version": "8.1"}, None),
        ("redis.r", {"version": "8.1"}, {"version": "8.0"}, "its version goes down from 8.1 to 8.0"),
        ("redis.r", {"version": "7.2"}, {"version": "8.0"}, "a major change"),
        ("redis.r", {}, {"cluster": True}, "it becomes a cluster"),
        ("api.a", {}, {"public": False}, "it becomes private"),
        ("api.a", {"public": True}, {}, None),
        ("pool.p", {}, {"sign_in": "username"}, "`sign_in` changes from `email` to `username`"),
        ("fn.f", {"memory": 128}, {"memory": 512, "handler": "other.handler"}, None),
    ],
)
def test_a_change_is_refused_when_users_would_not_find_it_again(
    name: str, before: dict[str, Any], now: dict[str, Any], why: str | None
) -> None:
    found = change(made(name, properties=before), made(name, 9, properties=now), app("billing", ref(name)))
    assert codes(found) == (["changed-in-use"] if why else [])
    for item in found:
        assert why is not None and why in item.diagnostic.message
        assert (item.applications, item.breaks) == ({"users", "billing"}, {"billing"})
    assert change(made(name, properties=before), made(name, 9, properties=now), app("billing")) == []


def test_what_use_pins_counts_like_a_parameter() -> None:
    name = "db.d"
    pinned = replace(app("users", made(name)), directives=(Directive(_id(name), "use", "rds", {"version": "16"}),))
    assert codes(joined(app("users", made(name)), app("billing", ref(name)), local=pinned)) == ["changed-in-use"]


@pytest.mark.parametrize(
    ("before", "now"),
    [(None, "arn:old"), ("arn:old", None), ("arn:old", "arn:new"), ({"prod": "arn:old"}, {"staging": "arn:old"})],
)
def test_adopting_another_thing_under_the_same_name_is_a_change(before: Any, now: Any) -> None:
    old, new = (made("kv.t", existing=adopted(given)) for given in (before, now))
    found = change(old, new, app("billing", ref("kv.t")))
    assert codes(found) == ["changed-in-use"]


def adopted(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: Existing(item) for name, item in given.items()}
    return None if given is None else Existing(given)


def test_an_environment_in_which_nothing_changes_is_not_concerned() -> None:
    user = app("billing", ref("kv.t"))
    assert change(made("kv.t"), made("kv.t", existing={"staging": Existing("arn:x")}), user) == []
    there = adopted("arn:x")
    assert change(made("kv.t", existing=there), made("kv.t", existing=there, properties={"key": "n"}), user) == []


def test_a_rename_that_keeps_the_deployed_name_breaks_nobody_and_a_second_one_who_knows_it_by_the_first() -> None:
    first, second = (made("db.users_db", renamed_to=name) for name in ("people_db", "persons_db"))
    assert change(made("db.users_db"), first, app("billing", ref("db.users_db"))) == []
    (found,) = change(first, second, app("billing", ref("db.people_db")))
    assert found.diagnostic.code == "in-use-elsewhere"
    assert 'to "persons_db"' in found.diagnostic.message


def test_what_was_broken_with_consent_is_not_refused_again_and_dangles_for_its_user() -> None:
    """The published entry has no construct any more, so nothing changes."""
    user = app("billing", ref("queue.jobs"))
    found = joined(app("users"), user, local=app("users"))
    assert codes(found) == ["dangling-reference"]
    assert not found[0].concerns("users")


def test_a_definition_that_another_application_has_too_may_go() -> None:
    user = app("billing", ref("queue.jobs"))
    jobs = made("queue.jobs")
    assert codes(joined(app("users", jobs), app("mail", jobs), user, local=app("users"))) == []


def ports_of(**named: int) -> Construct:
    return made("box.web", properties={"ports": named})


@pytest.mark.parametrize(
    ("before", "now", "protocol", "broken"),
    [
        (ports_of(http=8080, grpc=50051), ports_of(http=8080), "grpc", True),
        (ports_of(http=8080, grpc=50051), ports_of(http=8080), "http", False),
        (ports_of(http=8080, grpc=50051), ports_of(http=8080, grpc=50052), "grpc", True),
        (made("box.web"), made("box.web", properties={"port": 9090}), "http", True),
        (made("box.web"), made("box.web", properties={"port": 8080}), "http", False),
        (made("box.web"), ports_of(http=8080, grpc=1), "http", False),
        (made("box.web", properties={"ports": "x"}), ports_of(http=8080), "http", False),
    ],
)
def test_a_port_that_another_application_calls_stays(
    before: Construct, now: Construct, protocol: str, broken: bool
) -> None:
    user = app("billing", made("box.b"), ref("box.web"), says=[f"box.b calls box.web protocol={protocol}"])
    found = change(before, now, user)
    assert codes(found) == (["port-in-use"] if broken else [])
    assert all(item.breaks == {"billing"} for item in found)


def owner(*says: str, name: str = "users") -> Application:
    constructs = (made("api.api"), made("fn.web"), made("pool.people"))
    return app(name, *constructs, says=[f"api.api {item}" for item in says])


def guest(*says: str, name: str = "billing") -> Application:
    constructs = (ref("api.api"), made(f"fn.{name}"), made("pool.staff"))
    return app(name, *constructs, says=[f"api.api {item}" for item in says])


def test_routes_of_one_application_are_its_own_business_and_those_of_others_are_not() -> None:
    twice = guest("attach_service fn.billing route=/a/{x}", "attach_service fn.billing route=/a/b methods=GET")
    assert joined(owner("attach_service fn.web route=/"), local=twice) == []
    mail = guest("attach_service fn.mail route=/a/{y}", name="mail")
    found = joined(owner(), mail, local=twice)
    assert codes(found) == ["route-conflict", "route-conflict"]
    assert all(item.applications == {"billing", "mail"} for item in found), "the owner of the API has no part in it"


def test_routes_on_two_apis_do_not_meet() -> None:
    one = app("a", made("api.one"), made("fn.f"), says=["api.one attach_service fn.f route=/x"])
    two = app("b", made("api.two"), ref("api.one"), made("fn.g"), says=["api.two attach_service fn.g route=/x"])
    assert joined(one, local=two) == []


@pytest.mark.parametrize(
    ("before", "now", "broken"),
    [
        ("route=/users", "route=/people", True),
        ("route=/users", "route=/", False),
        ("route=/users/{id}", "route=/users", False),
        ("route=/users methods=GET,POST", "route=/users methods=GET", True),
        ("route=/users methods=GET", "route=/users", False),
        ("route=/users", "route=/users methods=GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS", False),
        ("route=/users", "route=/users methods=GET", True),
    ],
)
def test_a_route_of_an_api_that_others_call_goes_only_if_nobody_else_serves_it(
    before: str, now: str, broken: bool
) -> None:
    caller = app("mail", made("fn.send"), ref("api.api"), says=["fn.send calls api.api"])
    old, new = owner(f"attach_service fn.web {before}"), owner(f"attach_service fn.web {now}")
    found = joined(old, caller, local=new)
    assert codes(found) == (["route-in-use"] if broken else [])
    assert all(item.breaks == {"mail"} for item in found)
    assert joined(old, guest("attach_service fn.billing route=/other"), local=new) == [], "who attaches calls nothing"
    guests = [guest(f"attach_service fn.billing {item}") for item in (before, now)]
    assert codes(joined(owner(), guests[0], caller, local=guests[1])) == codes(found), "a guest's route is one too"


def test_an_api_whose_address_somebody_has_is_called() -> None:
    url = {"environment": {"API": token(_id("api.api"), "url")}}
    caller = app("mail", made("fn.send", properties=url), ref("api.api"))
    assert codes(joined(owner("attach_service fn.web route=/a"), caller, local=owner())) == ["route-in-use"]


def test_the_owners_rules_are_for_everybody_and_a_guests_for_its_own_routes() -> None:
    guarded = owner("attach_service fn.web route=/users", "authenticates_with pool.people")
    assert joined(guarded, local=guest("attach_service fn.billing route=/a public=True")) == []
    mine = guest("attach_service fn.billing route=/a", "authenticates_with pool.staff route=/a")
    assert joined(guarded, local=mine) == []
    everything = guest("attach_service fn.billing route=/a", "authenticates_with pool.staff route=/ methods=GET")
    assert codes(joined(owner("attach_service fn.web route=/users"), local=everything)) == ["guard-of-others"]
    more = guest("attach_service fn.billing route=/a", "authenticates_with pool.staff route=/ methods=GET")
    (found,) = joined(owner(), guest("attach_service fn.mail route=/m", name="mail"), local=more)
    assert (found.diagnostic.code, found.applications) == ("guard-of-others", {"billing"})


def test_a_change_of_the_owners_rules_is_refused_only_where_it_changes_who_may_call_a_guests_route() -> None:
    attached = guest("attach_service fn.billing route=/a")
    plain = owner("attach_service fn.web route=/users")
    rules = {
        "authenticates_with pool.people": True,
        "authenticates_with pool.people route=/users": False,
        "authenticates_with pool.people route=/a/b": True,
        "authenticates_with pool.people route=/a methods=GET": True,
    }
    for rule, broken in rules.items():
        guarded = owner("attach_service fn.web route=/users", rule)
        for before, now in ((plain, guarded), (guarded, plain)):
            found = joined(before, attached, local=now)
            assert codes(found) == (["guard-in-use"] if broken else []), rule
            assert all(item.breaks == {"billing"} for item in found)
        assert joined(guarded, attached, local=guarded) == []


def test_leaving_breaks_everybody_who_uses_something_and_nobody_else() -> None:
    owner_ = entry(app("users", made("queue.jobs"), made("db.users_db"), made("kv.alone")))
    users = [entry(app("billing", ref("queue.jobs"), ref("db.users_db"))), entry(app("mail", ref("queue.jobs")))]
    snapshot = Snapshot("acme", "prod", (owner_, *users, entry(app("shop"))))
    found = leave(snapshot, "users")
    assert [sorted(item.breaks) for item in found] == [["billing"], ["billing", "mail"]]
    assert leave(snapshot, "billing") == leave(snapshot, "shop") == leave(snapshot, "unknown") == []


def test_a_rule_of_ones_own_sees_the_joined_project() -> None:
    def nothing_in_common(joined: Any) -> Iterable[Conflict]:
        assert [item.name for item in joined.members] == ["billing", "users"]
        (uses,) = joined.uses.items()
        assert uses[0] == ("users", _id("queue.jobs"))
        return ()

    published = Snapshot("acme", "prod", (entry(app("users", made("queue.jobs"))),))
    assert join(published, app("billing", ref("queue.jobs")), "/here", rules=[nothing_in_common]) == []


def test_other_environments_only_say_who_would_define_what_is_missing() -> None:
    staging: Entry = entry(app("users", made("db.users_db"), made("api.api")), "staging")
    found = joined(local=app("billing", ref("db.users_db"), ref("db.other")), elsewhere=[staging])
    assert codes(found) == ["dangling-reference", "dangling-reference"]
    assert [("`users`" in " ".join(item.diagnostic.helps)) for item in found] == [False, True]
