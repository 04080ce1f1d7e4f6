"""Login roles on real PostgreSQL servers: who may do what, now and with what comes later, and what deletes leave."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import psycopg.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.planes.server_certificate import trust
from klotho.provider import postgres
from klotho.provider.postgres_names import NAME_BYTES
from klotho.provider.role import Role, RoleError

pytestmark = pytest.mark.localcloud
MASTER = ("klotho", "master's \\ passwörd")
PASSWORD = "abcDEF123"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=["16", "18"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cloud_in: Callable[[Path], Any]
) -> Iterator[tuple[str, int]]:
    """A server of this major version with the master user RDS would make."""
    cloud = cloud_in(tmp_path_factory.mktemp("roles"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    run(cloud.postgres.start())
    version = str(request.param)
    ensure = cloud.postgres.ensure(
        "roles", master_user=MASTER[0], master_password=MASTER[1], database="first", engine_version=version
    )
    try:
        address = run(ensure)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in trust(cloud.state).items():
                patch.setenv(name, value)
            yield address
    finally:
        run(cloud.postgres.stop())
        ProcessTable.of(cloud.state).close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Shop:
    """A database of its own on the server."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.host, self.port = server
        self.name = f"shop_{next(NUMBERS)}"
        with self.master("first") as connection:
            connection.execute(f"create database {self.name}")

    def role(self, user: str, access: str) -> Role:
        return Role("postgres", self.host, self.port, self.name, "arn:m", "arn:l", f"{self.name}_{user}", access)

    def make(self, user: str, access: str, password: str = PASSWORD) -> Role:
        role = self.role(user, access)
        with postgres.connected(role, *MASTER) as connection:
            postgres.ensure(connection, role, password)
        return role

    def drop(self, user: str) -> None:
        role = self.role(user, "read")
        with postgres.connected(role, *MASTER) as connection:
            postgres.drop(connection, role)

    def master(self, database: str | None = None) -> psycopg.Connection[Any]:
        return self._connect(*MASTER, database or self.name)

    def as_user(self, user: str, password: str = PASSWORD) -> psycopg.Connection[Any]:
        return self._connect(f"{self.name}_{user}", password, self.name)

    def _connect(self, user: str, password: str, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.host, port=self.port, user=user, password=password, dbname=database, autocommit=True
        )

    def run(self, user: str, statement: str, password: str = PASSWORD) -> list[Any]:
        with self.as_user(user, password) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def denied(self, user: str, statement: str) -> str:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            self.run(user, statement)
        return str(refused.value)


@pytest.fixture
def shop(server: tuple[str, int]) -> Shop:
    return Shop(server)


def test_either_of_two_writers_migrates_and_a_reader_reads_what_they_made_before_and_after(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (id int generated always as identity primary key, item text)")
    shop.run("anna", "insert into orders (item) values ('egg')")
    shop.make("berta", "read_write")
    shop.make("rita", "read")
    # Either writer changes what the other one made.
    shop.run("berta", "alter table orders add column price int not null default 3")
    shop.run("berta", "create schema more")
    shop.run("berta", "create table more.notes (text text)")
    shop.run("anna", "alter table more.notes add column by text; insert into more.notes values ('a', 'b')")
    shop.run("anna", "create view cheap as select * from orders where price < 5")
    # The reader was there before the schema, its table and the view.
    assert shop.run("rita", "select item, price from orders") == [("egg", 3)]
    assert shop.run("rita", "select * from more.notes") == [("a", "b")]
    assert shop.run("rita", "select item from cheap") == [("egg",)]
    owners = shop.run("rita", "select distinct tableowner from pg_tables where schemaname in ('public', 'more')")
    assert owners == [(f"klotho_owner_{shop.name}",)]
    shop.run("berta", "drop view cheap; drop table orders")


def test_a_reader_may_only_read(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (id serial primary key, item text); insert into orders (item) values ('egg')")
    shop.make("rita", "read")
    for statement in (
        "insert into orders (item) values ('x')",
        "update orders set item = 'x'",
        "delete from orders",
        "truncate orders",
        "create table mine (id int)",
        "create temporary table mine (id int)",
        "create schema mine",
        "select nextval('orders_id_seq')",
        f"set role klotho_owner_{shop.name}",
        "select rolpassword from pg_authid",
    ):
        assert "permission denied" in shop.denied("rita", statement), statement
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of table orders"):
        shop.run("rita", "drop table orders")
    assert shop.run("rita", "select item from orders") == [("egg",)]


def test_an_appender_writes_and_neither_reads_nor_creates(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.make("wanda", "write")
    shop.run("anna", "create table orders (id serial primary key, item text)")
    shop.run("wanda", "insert into orders (item) values ('egg')")
    shop.run("wanda", "update orders set item = 'milk'")
    shop.denied("wanda", "select * from orders")
    shop.denied("wanda", "delete from orders where item = 'milk'")
    shop.denied("wanda", "create table mine (id int)")
    shop.run("wanda", "delete from orders")
    assert shop.run("anna", "select count(*) from orders") == [(0,)]


def test_no_role_gets_into_another_database(shop: Shop, server: tuple[str, int]) -> None:
    other = Shop(server)
    other.make("anna", "read_write")
    shop.make("rita", "read")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        shop._connect(f"{shop.name}_rita", PASSWORD, other.name)


def test_the_access_changes_in_place(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item text)")
    shop.make("anna", "read")
    shop.denied("anna", "insert into orders values ('x')")
    shop.make("anna", "write")
    shop.denied("anna", "select * from orders")
    shop.make("anna", "read_write")
    shop.run("anna", "insert into orders values ('x'); alter table orders add column n int")


def test_a_new_secret_is_the_new_password(shop: Shop) -> None:
    shop.make("rita", "read")
    shop.make("rita", "read", password="another1")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        shop.run("rita", "select 1")
    assert shop.run("rita", "select 1", password="another1") == [(1,)]


def test_making_a_role_twice_changes_nothing(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item text)")
    for _ in range(2):
        shop.make("anna", "read_write")
        shop.make("rita", "read")
    assert shop.run("rita", "select * from orders") == []


def test_a_deleted_writer_leaves_what_it_made_to_the_others(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.make("berta", "read_write")
    shop.make("rita", "read")
    # One that steps out of the owner's role owns what it makes then.
    with shop.as_user("anna") as connection:
        connection.execute("create table orders (item text); insert into orders values ('egg')")
        connection.execute("create schema hers authorization current_user")
    with shop.master() as connection:
        connection.execute(f"grant create on database {shop.name} to {shop.name}_anna")
    shop.run("anna", "reset role; set role none; create schema alone; create table alone.mine (id int)")
    shop.drop("anna")
    shop.drop("anna")  # gone already
    with pytest.raises(psycopg.OperationalError):
        shop.run("anna", "select 1")
    shop.run("berta", "alter table orders add column n int; insert into alone.mine values (1); drop schema hers")
    assert shop.run("rita", "select item from orders") == [("egg",)]
    shop.drop("rita")
    shop.drop("berta")
    shop.make("carla", "read_write")
    assert shop.run("carla", "select item from orders") == [("egg",)]


def test_deleting_a_role_ends_its_sessions(shop: Shop) -> None:
    shop.make("rita", "read")
    connection = shop.as_user("rita")
    shop.drop("rita")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")


def test_a_session_in_the_middle_of_a_transaction_does_not_hold_a_delete_up(shop: Shop) -> None:
    shop.make("anna", "read_write")
    connection = shop.as_user("anna")
    connection.autocommit = False
    connection.execute("create table half (id int)")
    shop.drop("anna")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")


def test_roles_made_at_the_same_time_do_not_meet(shop: Shop) -> None:
    accesses = ["read", "write", "read_write"] * 4
    with ThreadPoolExecutor(12) as threads:
        made = list(threads.map(lambda item: shop.make(f"u{item[0]}", item[1]), enumerate(accesses)))
    assert len({role.user for role in made}) == 12
    shop.run("u2", "create table orders (item text)")
    shop.run("u5", "alter table orders add column n int")
    assert shop.run("u0", "select * from orders") == []
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda number: shop.drop(f"u{number}"), range(12)))
    with shop.master() as connection:
        left = connection.execute("select count(*) from pg_roles where rolname like %s", (f"{shop.name}\\_u%",))
        assert left.fetchone() == (0,)


def test_what_the_master_made_before_there_were_roles_is_the_owners(shop: Shop) -> None:
    with shop.master() as connection:
        connection.execute("create table orders (id serial, item text); insert into orders (item) values ('egg')")
    shop.make("rita", "read")
    shop.make("anna", "read_write")
    assert shop.run("rita", "select item from orders") == [("egg",)]
    shop.run("anna", "alter table orders add column n int; insert into orders (item) values ('milk')")
    with shop.master() as connection:
        owner = "select rolname from pg_database d join pg_roles r on r.oid = datdba where datname = %s"
        assert connection.execute(owner, (shop.name,)).fetchone() == ("klotho",)


def test_the_password_is_in_no_statement(shop: Shop) -> None:
    role = shop.make("rita", "read")
    seen: list[str] = []

    class Watched:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def run(self, statement: str) -> Any:
            seen.append(statement)
            return self.inner.run(statement)

    with postgres.connected(role, *MASTER) as connection:
        postgres.ensure(Watched(connection), role, "canary7")  # type: ignore[arg-type]
    assert any("SCRAM-SHA-256$" in statement for statement in seen)
    assert not [statement for statement in seen if "canary7" in statement]
    assert shop.run("rita", "select 1", password="canary7") == [(1,)]


def test_a_database_that_is_gone_is_told_apart(shop: Shop) -> None:
    role = Role("postgres", shop.host, shop.port, "no_such", "arn:m", "arn:l", "x", "read")
    with pytest.raises(Exception, match="does not exist") as refused, postgres.connected(role, *MASTER):
        pass
    assert postgres.is_missing(refused.value)
    assert not postgres.is_missing(ValueError("3D000"))


NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=15)


@pytest.fixture(scope="module")
def named(server: tuple[str, int]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        host=server[0], port=server[1], user=MASTER[0], password=MASTER[1], dbname="first", autocommit=True
    ) as connection:
        yield connection


@given(name=NAMES)
def test_any_name_and_text_is_quoted(named: psycopg.Connection[Any], name: str) -> None:
    found = named.execute(f"select 1 as {postgres.quoted(name)}".replace("%", "%%"), ())
    assert found.description is not None and found.description[0].name == name
    with contextlib.suppress(RoleError):
        assert named.execute(f"select {postgres.text(name)}".replace("%", "%%"), ()).fetchone() == (name,)


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_groups_of_different_databases_are_different(one: str, other: str) -> None:
    names = {postgres.group(one, "owner"), postgres.group(other, "owner")}
    assert len(names) == (1 if one == other else 2)
    assert all(len(name.encode()) <= NAME_BYTES for name in names)


class Guests:
    """A database somebody else made, with a table of the admin's and one of a user's."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        with shop.master() as connection:
            connection.execute(f"create role {self.app} login password '{PASSWORD}'")
            connection.execute(f"grant {self.app} to current_user")
            connection.execute(f"grant create on schema public to {self.app}")
            connection.execute("create table theirs (id int primary key)")
            connection.execute("insert into theirs values (1)")
            connection.execute(f"create table apps (id int); alter table apps owner to {self.app}")

    @property
    def app(self) -> str:
        return f"{self.shop.name}_app"

    def make(self, user: str, access: str) -> None:
        role = replace(self.shop.role(user, access), adopted=True)
        with postgres.connected(role, *MASTER) as connection:
            postgres.ensure(connection, role, PASSWORD)

    def drop(self, user: str) -> None:
        role = replace(self.shop.role(user, "read"), adopted=True)
        with postgres.connected(role, *MASTER) as connection:
            postgres.drop(connection, role)

    def facts(self) -> Any:
        """Everything of the database that somebody could notice: roles, owners, permissions, defaults."""
        with self.shop.master() as connection:
            return [
                connection.execute(query).fetchall()
                for query in (
                    "select rolname, rolcanlogin, rolconfig::text from pg_roles order by 1",
                    "select relname, relowner::regrole::text, relacl::text from pg_class "
                    "where relnamespace = 'public'::regnamespace order by 1",
                    "select nspname, nspowner::regrole::text, nspacl::text from pg_namespace order by 1",
                    "select defaclrole::regrole::text, defaclacl::text from pg_default_acl order by 1",
                    "select datname, datdba::regrole::text from pg_database order by 1",
                )
            ]


@pytest.fixture
def guests(server: tuple[str, int]) -> Guests:
    return Guests(Shop(server))


def test_guests_of_an_adopted_database_may_what_they_are_granted_and_no_more(guests: Guests) -> None:
    for user, access in (("reads", "read"), ("appends", "write"), ("writes", "read_write")):
        guests.make(user, access)
    shop = guests.shop
    shop.run("writes", "create table made (id int); insert into made values (7); insert into theirs values (2)")
    with shop.master() as master:
        master.execute(f"set role {guests.app}")
        master.execute("create table later (id int)")
    assert shop.run("reads", "select id from made") == [(7,)]
    assert shop.run("reads", "select count(*) from theirs") == [(2,)]
    assert shop.run("reads", "select count(*) from apps, later") == [(0,)]
    for statement in ("insert into theirs values (3)", "create table mine (id int)", "drop table made"):
        shop.denied("reads", statement)
    shop.run("appends", "insert into apps values (1)")
    shop.denied("appends", "select * from apps")
    shop.denied("writes", "alter table theirs add column more int")


def test_with_the_last_guest_an_adopted_database_is_as_it_was(guests: Guests) -> None:
    before = guests.facts()
    for user, access in (("reads", "read"), ("writes", "read_write")):
        guests.make(user, access)
        guests.make(user, access)
    assert guests.facts() != before
    guests.drop("reads")
    assert guests.shop.run("writes", "select count(*) from theirs") == [(1,)]
    guests.drop("writes")
    guests.drop("writes")
    after = guests.facts()
    assert _without_empty(after) == _without_empty(before)


def _without_empty(facts: Any) -> Any:
    """PostgreSQL writes out the permissions that were the default before somebody granted something."""
    roles, relations, schemas, defaults, databases = facts
    own = [[(name, owner) for name, owner, _ in items] for items in (relations, schemas)]
    return [roles, own, defaults, databases]


def test_an_adopted_database_with_tables_the_admin_can_t_speak_for_is_refused(guests: Guests) -> None:
    with guests.shop.master() as master:
        master.execute(f"revoke {guests.app} from current_user")
    with pytest.raises(RoleError, match=f"permissions on public.apps, which {guests.app} owns"):
        guests.make("reads", "read")


def test_guests_of_a_database_of_klotho_s_join_its_groups(server: tuple[str, int]) -> None:
    shop = Shop(server)
    shop.make("owner", "read_write")
    shop.run("owner", "create table made (id int)")
    role = replace(shop.role("guest", "read"), adopted=True)
    with postgres.connected(role, *MASTER) as connection:
        postgres.ensure(connection, role, PASSWORD)
    assert shop.run("guest", "select count(*) from made") == [(0,)]
    shop.denied("guest", "insert into made values (1)")
    with postgres.connected(role, *MASTER) as connection:
        postgres.drop(connection, role)
    shop.run("owner", "alter table made add column more int")
