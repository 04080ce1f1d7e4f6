"""Login roles on a real MySQL or MariaDB server: who may do what, now and with what comes later."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pymysql
import pytest

from klotho.localcloud.planes.processes import ProcessTable
from klotho.localcloud.planes.server_certificate import trust
from klotho.provider import mysql
from klotho.provider.role import Role
from klotho.runtime.authority import database_context

pytestmark = pytest.mark.localcloud
MASTER = ("klotho", "masterPassword1")
PASSWORD = "abcDEF123"
NUMBERS = itertools.count(1)
DENIED = (1044, 1142, 1143, 1370)
"""Access denied to a database, a command on a table, a column, a routine."""


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, mysql_cloud_in: Callable[[Path], Any]
) -> Iterator[tuple[str, int]]:
    """A server with the master user RDS would make."""
    cloud = mysql_cloud_in(tmp_path_factory.mktemp("roles"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(120)

    run(cloud.mysql.start())
    ensure = cloud.mysql.ensure("roles", master_user=MASTER[0], master_password=MASTER[1], database="first")
    try:
        address = run(ensure)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in trust(cloud.state).items():
                patch.setenv(name, value)
            yield address
    finally:
        run(cloud.mysql.stop())
        ProcessTable.of(cloud.state).close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Shop:
    """A database of its own on the server."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.host, self.port = server
        number = next(NUMBERS)
        self.name = f"my_shop{number}"
        self.near = f"myxshop{number}"
        for name in (self.name, self.near):
            self._run(*MASTER, "first", f"create database {name}")

    def role(self, user: str, access: str) -> Role:
        number = self.name.removeprefix("my_shop")
        return Role("mysql", self.host, self.port, self.name, "arn:m", "arn:l", f"{user}_{number}", access)

    def make(self, user: str, access: str, password: str = PASSWORD) -> Role:
        role = self.role(user, access)
        with mysql.connected(role, *MASTER) as connection:
            mysql.ensure(connection, role, password)
        return role

    def drop(self, user: str) -> None:
        role = self.role(user, "read")
        with mysql.connected(role, *MASTER) as connection:
            mysql.drop(connection, role)

    def connect(self, user: str, password: str = PASSWORD, database: str | None = None) -> Any:
        return self._connect(self.role(user, "read").user, password, database or self.name)

    def run(self, user: str, *statements: str, password: str = PASSWORD, database: str | None = None) -> Any:
        return self._run(self.role(user, "read").user, password, database or self.name, *statements)

    def master(self, statement: str) -> Any:
        return self._run(*MASTER, self.name, statement)

    def denied(self, user: str, statement: str) -> None:
        with pytest.raises(pymysql.err.MySQLError) as refused:
            self.run(user, statement)
        assert refused.value.args[0] in DENIED, refused.value

    def _run(self, user: str, password: str, database: str, *statements: str) -> Any:
        with closing(self._connect(user, password, database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def _connect(self, user: str, password: str, database: str) -> Any:
        return pymysql.connect(
            host=self.host, port=self.port, user=user, password=password, database=database, autocommit=True,
            ssl=database_context(),
        )  # fmt: skip


@pytest.fixture
def shop(server: tuple[str, int]) -> Shop:
    return Shop(server)


def test_either_of_two_writers_migrates_and_a_reader_reads_what_they_made_before_and_after(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item varchar(20))", "insert into orders values ('egg')")
    shop.make("berta", "read_write")
    shop.make("rita", "read")
    shop.run("berta", "alter table orders add column price int not null default 3")
    shop.run("berta", "create table notes (text varchar(20))", "insert into notes values ('a')")
    assert shop.run("rita", "select item, price from orders") == [("egg", 3)]
    assert shop.run("rita", "select * from notes") == [("a",)]
    shop.run("anna", "drop table notes")


def test_a_reader_may_only_read_and_only_here(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item varchar(20))")
    shop.make("rita", "read")
    for statement in (
        "insert into orders values ('x')", "update orders set item = 'x'", "delete from orders", "drop table orders",
        "create table mine (id int)", "create temporary table mine (id int)", "create user 'x'", "truncate orders",
    ):  # fmt: skip
        with pytest.raises(pymysql.err.MySQLError) as refused:
            shop.run("rita", statement)
        assert refused.value.args[0] in (*DENIED, 1227), statement
    # `_` in the database's name is no wildcard.
    with pytest.raises(pymysql.err.OperationalError):
        shop.run("rita", "select 1", database=shop.near)
    with pytest.raises(pymysql.err.OperationalError):
        shop.run("rita", "select 1", database="mysql")


def test_an_appender_writes_and_neither_reads_nor_creates(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.make("wanda", "write")
    shop.run("anna", "create table orders (item varchar(20))")
    shop.run("wanda", "insert into orders values ('egg')")
    shop.denied("wanda", "select * from orders")
    shop.denied("wanda", "create table mine (id int)")
    assert shop.run("anna", "select * from orders") == [("egg",)]


def test_the_access_and_the_password_change_in_place(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item varchar(20))")
    for _ in range(2):
        shop.make("anna", "read")
    shop.denied("anna", "insert into orders values ('x')")
    shop.make("anna", "write", password="another1")
    with pytest.raises(pymysql.err.OperationalError):
        shop.run("anna", "select 1")
    shop.run("anna", "insert into orders values ('x')", password="another1")
    shop.make("anna", "read_write")
    assert shop.run("anna", "select * from orders") == [("x",)]


def test_deleting_ends_sessions_and_may_be_repeated(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item varchar(20))")
    connection = shop.connect("anna")
    shop.drop("anna")
    shop.drop("anna")
    with pytest.raises(pymysql.err.MySQLError), connection.cursor() as cursor:
        cursor.execute("select 1")
    with pytest.raises(pymysql.err.OperationalError):
        shop.run("anna", "select 1")
    shop.make("berta", "read_write")
    assert shop.run("berta", "select * from orders") == []


def test_views_of_a_deleted_writer_go_on_and_its_account_is_locked(shop: Shop) -> None:
    shop.make("anna", "read_write")
    shop.run("anna", "create table orders (item varchar(20))", "create view all_orders as select * from orders")
    shop.make("rita", "read")
    shop.drop("anna")
    assert shop.run("rita", "select * from all_orders") == []
    with pytest.raises(pymysql.err.OperationalError):
        shop.run("anna", "select 1")
    shop.make("anna", "read_write")
    shop.run("anna", "drop view all_orders")
    shop.drop("anna")
    assert shop.master(f"select count(*) from mysql.user where user = '{shop.role('anna', 'read').user}'") == [(0,)]


def test_a_database_that_is_gone_is_told_apart(shop: Shop) -> None:
    role = Role("mysql", shop.host, shop.port, "no_such", "arn:m", "arn:l", "x", "read")
    with pytest.raises(pymysql.err.MySQLError) as refused, mysql.connected(role, *MASTER):
        pass
    assert mysql.is_missing(refused.value)
    assert not mysql.is_missing(ValueError(1))
