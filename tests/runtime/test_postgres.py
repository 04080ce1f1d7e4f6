"""A database's address and login, and what happens when the login changes."""

from __future__ import annotations

import concurrent.futures
import json
import ssl
import traceback
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from klotho.runtime import config, secrets
from klotho.runtime.datastores import MySql, Postgres, datastore, postgres
from klotho.runtime.errors import AwsError, ConfigError, WrongKindError
from klotho.runtime.grants import Grant

from .aws_front import Front
from .conftest import CANARY, PASSWORD, grants, moto_client


def database(**fields: object) -> Postgres:
    known = json.loads(grants()["KLOTHO_DATASTORE_USERS_DB"])
    return Postgres(Grant("datastores", "KLOTHO_DATASTORE_USERS_DB", known | fields))


def test_the_login_comes_from_the_secret_and_the_rest_from_the_environment(granted_with_secret: str) -> None:
    db = config.datastores.postgres("users_db")
    assert (db.name, db.kind, db.host, db.port, db.database) == (
        "users_db", "Databases.Postgres", "db.internal", 5432, "users_db",
    )  # fmt: skip
    assert (db.dbname, db.user, db.password, db.access) == ("users_db", "app user", PASSWORD, "read_write")
    parts = urlsplit(db.url)
    assert (parts.hostname, parts.port, unquote(parts.password or "")) == ("db.internal", 5432, PASSWORD)


def test_nothing_is_fetched_before_the_password_is_asked_for(granted_with_secret: str, front: Front) -> None:
    db = config.datastores.postgres("users_db")
    assert "db.internal:5432" in repr(db)
    assert front.calls == []
    assert db.password == db.password == PASSWORD
    assert front.calls == ["GetSecretValue"]


def test_many_threads_cause_one_request(granted_with_secret: str, front: Front) -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: config.datastores.get("users_db").password, range(64)))
    assert found == {PASSWORD}
    assert front.calls == ["GetSecretValue"]


def test_refresh_honours_a_rotation_at_once(granted_with_secret: str, moto_port: int) -> None:
    db = config.datastores.postgres("users_db")
    assert db.password == PASSWORD
    rotated = json.dumps({"username": "app user", "password": "new"})
    moto_client("secretsmanager", moto_port).put_secret_value(SecretId=granted_with_secret, SecretString=rotated)
    assert db.password == PASSWORD
    db.refresh()
    assert db.password == "new"


def test_the_time_to_live_can_be_set_and_nonsense_is_named(
    granted_with_secret: str, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = config.datastores.postgres("users_db")
    monkeypatch.setenv("KLOTHO_SECRET_TTL_SECONDS", "0")
    assert db.password == db.password == PASSWORD
    assert front.calls == ["GetSecretValue"] * 2
    monkeypatch.setenv("KLOTHO_SECRET_TTL_SECONDS", "soon")
    with pytest.raises(ConfigError, match="KLOTHO_SECRET_TTL_SECONDS must be a number of seconds"):
        _ = db.password


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_renewed_after_five_minutes_and_when_the_clock_was_set_back() -> None:
    clock, answers = Clock(), iter(["one", "two", "three"])
    cache = secrets.SecretCache(lambda arn: next(answers), clock)
    assert cache.get("a") == "one"
    clock.now += 299
    assert cache.get("a") == "one"
    clock.now += 2
    assert cache.get("a") == "two"
    clock.now -= 10
    assert cache.get("a") == "three"


def test_an_outage_is_bridged_with_the_old_value_but_a_refusal_is_not() -> None:
    clock = Clock()
    answers: list[str | AwsError] = ["one"]

    def fetch(arn: str) -> str:
        answer = answers[0]
        if isinstance(answer, AwsError):
            raise answer
        return answer

    cache = secrets.SecretCache(fetch, clock)
    assert cache.get("a") == "one"
    clock.now += 301
    answers[0] = AwsError("secretsmanager", "ConnectionError", "refused")
    assert cache.get("a") == "one"
    answers[0] = "two"
    clock.now += 29
    assert cache.get("a") == "one"
    clock.now += 2
    assert cache.get("a") == "two"
    clock.now += 301
    answers[0] = AwsError("secretsmanager", "AccessDeniedException", "no", 400)
    with pytest.raises(AwsError, match="AccessDenied"):
        cache.get("a")


def test_a_secret_that_does_not_exist_says_so(granted: None, front: Front) -> None:
    with pytest.raises(AwsError) as caught:
        _ = config.datastores.get("users_db").password
    assert caught.value.code == "ResourceNotFoundException"
    assert len(front.calls) == 1


@given(user=st.text(min_size=1), password=st.text(), name=st.text(min_size=1))
def test_any_login_survives_the_url(user: str, password: str, name: str) -> None:
    secrets.cache._kept["arn:any"] = secrets._Kept(
        json.dumps({"username": user, "password": password}), secrets.time.time(), 300.0
    )
    url = database(secret="arn:any", database=name).url
    parts = urlsplit(url)
    found = [unquote(part or "", errors="strict") for part in (parts.username, parts.password, parts.path[1:])]
    assert found == [user, password, name]
    if "\0" not in user + password + name:
        libpq = conninfo_to_dict(url)
        assert libpq["user"] == user
        assert libpq.get("password", "") == password


def test_ipv6_hosts_and_sslmode_are_in_the_url() -> None:
    secrets.cache._kept["arn:any"] = secrets._Kept('{"username":"u","password":"p"}', secrets.time.time(), 300.0)
    db = database(secret="arn:any", host="fd00::1", sslmode="verify-full")
    wanted = {"host": "fd00::1", "sslmode": "verify-full", "sslrootcert": db.sslrootcert}
    assert conninfo_to_dict(db.url).items() >= wanted.items()
    assert db.sslmode == "verify-full"


def test_a_database_is_verified_by_rds_s_authorities_or_those_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    db = database(sslmode="verify-full")
    assert db.ssl.check_hostname and db.ssl.verify_mode is ssl.CERT_REQUIRED
    issuers = [dict(part[0] for part in item["issuer"])["commonName"] for item in db.ssl.get_ca_certs()]
    assert len(issuers) >= 81 and all(name.startswith("Amazon RDS ") for name in issuers)
    monkeypatch.setenv("KLOTHO_DATABASE_CA", "/etc/mine.pem")
    assert db.sslrootcert == "/etc/mine.pem"
    assert database().sslmode == "", "a database that Klotho did not make is left to the driver"


def test_no_text_shows_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for stored in (
        json.dumps({"username": "u", "password": CANARY}),
        f"not json {CANARY}",
        json.dumps({"password": CANARY}),
        json.dumps([CANARY]),
    ):
        monkeypatch.setattr(secrets, "cache", secrets.SecretCache(lambda arn, stored=stored: stored))
        db = database()
        try:
            assert db.password == CANARY
        except ConfigError as error:
            assert "is not JSON with a username and a password" in str(error)
            texts += ["".join(traceback.format_exception(error)), repr(error.__context__)]
        kept = secrets.cache._kept.values()
        texts += [repr(db), str(db), repr(secrets.cache), *map(repr, kept)]
    assert len(texts) > 12
    assert not [text for text in texts if CANARY in text]


def test_a_mysql_database_has_its_own_url_and_tls() -> None:
    secrets.cache._kept["arn:any"] = secrets._Kept('{"username":"u","password":"p@"}', secrets.time.time(), 300.0)
    known = json.loads(grants()["KLOTHO_DATASTORE_USERS_DB"]) | {"kind": "Databases.MySQL", "secret": "arn:any"}
    found = datastore(Grant("datastores", "KLOTHO_DATASTORE_USERS_DB", known | {"host": "db.internal", "port": "3306"}))
    assert isinstance(found, MySql)
    assert found.url == "mysql://u:p%40@db.internal:3306/users_db"
    assert (found.ssl.check_hostname, found.ssl.verify_mode) == (True, ssl.CERT_REQUIRED)
    with pytest.raises(WrongKindError, match=r"is a Databases\.MySQL, not a Databases\.Postgres"):
        postgres(Grant("datastores", "KLOTHO_DATASTORE_USERS_DB", known))
