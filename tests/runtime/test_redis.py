"""A cache's address and login."""

from __future__ import annotations

import json

import pytest
from redis.connection import parse_url as connection_options

from klotho.runtime import config
from klotho.runtime.errors import ConfigError, WrongKindError
from klotho.runtime.redis import Redis

from .conftest import PASSWORD


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, granted_with_secret: str) -> dict[str, object]:
    return {
        "name": "cache", "kind": "Databases.Redis", "host": "cache.internal", "port": "6379",
        "secret": granted_with_secret, "tls": True, "cluster": False, "access": "read",
    }  # fmt: skip


def cache(monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]) -> Redis:
    monkeypatch.setenv("KLOTHO_DATASTORE_CACHE", json.dumps(fields))
    found = config.datastores.get("cache")
    assert isinstance(found, Redis)
    return found


def test_on_aws_it_is_spoken_to_with_tls(monkeypatch: pytest.MonkeyPatch, given: dict[str, object]) -> None:
    db = cache(monkeypatch, given)
    assert (db.host, db.port, db.cluster, db.tls, db.access) == ("cache.internal", 6379, False, True, "read")
    assert (db.user, db.password) == ("app user", PASSWORD)
    assert db.url.startswith("rediss://app%20user:")
    assert db.url.endswith("@cache.internal:6379/0?ssl_check_hostname=true"), "the system's authorities vouch for AWS's"
    assert PASSWORD not in repr(db)


def test_the_local_cloud_s_authority_is_in_the_url(monkeypatch: pytest.MonkeyPatch, given: dict[str, object]) -> None:
    monkeypatch.setenv("KLOTHO_DATABASE_CA", "/state/ca file.pem")
    db = cache(monkeypatch, given | {"host": "127.0.0.1", "cluster": True})
    assert (db.tls, db.cluster) == (True, True)
    options = connection_options(db.url)
    assert (options["ssl_ca_certs"], options["ssl_check_hostname"]) == ("/state/ca file.pem", True)


def test_another_kind_or_a_bad_port_is_refused(monkeypatch: pytest.MonkeyPatch, given: dict[str, object]) -> None:
    cache(monkeypatch, given)
    with pytest.raises(WrongKindError, match=r"is a Databases\.Redis, not a Databases\.Postgres"):
        config.datastores.postgres("cache")
    with pytest.raises(WrongKindError, match=r"not a Databases\.Redis"):
        config.datastores.redis("users_db")
    with pytest.raises(ConfigError, match="not a number"):
        cache(monkeypatch, given | {"port": "x"})
