"""`klotho.config.secrets`: values by reference, kept for a while, and what is said when there is none."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.deploy import secret_values
from klotho.runtime import config, secrets
from klotho.runtime.errors import ConfigError, SecretNotSetError, UnknownNameError, WrongKindError
from klotho.runtime.grants import Grant
from klotho.runtime.secret import Secret

from .aws_front import Front
from .conftest import CANARY, moto_client

pytestmark = pytest.mark.localcloud


@pytest.fixture
def stripe_key(moto_port: int, front: Front, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A secret without a value that this service uses; called with a value it sets it."""
    client = moto_client("secretsmanager", moto_port)
    arn = client.create_secret(Name="stripe_key")["ARN"]
    monkeypatch.setenv("KLOTHO_UNIT", "api")
    fields = {"name": "stripe_key", "kind": "Secret", "secret": arn}
    monkeypatch.setenv("KLOTHO_SECRET_STRIPE_KEY", json.dumps(fields))
    yield lambda value, token=None: client.put_secret_value(
        SecretId=arn, SecretString=value, ClientRequestToken=token or str(uuid.uuid4())
    )
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def test_a_secret_nobody_has_set_names_the_command(stripe_key: Callable[..., None]) -> None:
    secret = config.secrets.get("stripe_key")
    with pytest.raises(SecretNotSetError, match="run `klotho secret set stripe_key`"):
        _ = secret.value
    stripe_key(CANARY)
    assert secret.value == CANARY
    assert CANARY not in repr(secret)


def test_a_removed_value_is_the_same_as_none(stripe_key: Callable[..., None]) -> None:
    assert secret_values.NOT_SET == secrets.NOT_SET
    stripe_key("not set", f"{secret_values.NOT_SET}{uuid.uuid4().hex}")
    with pytest.raises(SecretNotSetError):
        _ = config.secrets.get("stripe_key").value


def test_a_value_is_fetched_once_until_it_is_forgotten(stripe_key: Callable[..., None], front: Front) -> None:
    stripe_key("one")
    secret = config.secrets.get("stripe_key")
    before = len(front.calls)
    assert (secret.value, secret.value, len(front.calls) - before) == ("one", "one", 1)
    stripe_key("two")
    assert secret.value == "one"
    secret.refresh()
    assert secret.value == "two"


def test_json_is_given_as_a_dict_and_no_json_is_refused_without_its_text(stripe_key: Callable[..., None]) -> None:
    stripe_key(json.dumps({"user": "ada", "key": CANARY}))
    secret = config.secrets.get("stripe_key")
    assert secret.json() == {"user": "ada", "key": CANARY}
    stripe_key(CANARY)
    secret.refresh()
    with pytest.raises(ConfigError) as caught:
        secret.json()
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_secret_that_is_not_used_is_refused(stripe_key: Callable[..., None]) -> None:
    with pytest.raises(UnknownNameError, match=r"write api.uses\(other\)"):
        config.secrets.get("other")
    with pytest.raises(WrongKindError, match="knows Secret"):
        Secret(Grant("secrets", "KLOTHO_SECRET_X", {"name": "x", "kind": "Vault"}))


@given(value=st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_whatever_json_a_secret_holds_comes_back(value: Any) -> None:
    arn = f"arn:aws:secretsmanager:eu-west-1:0:secret:{uuid.uuid4()}"
    secrets.cache._kept[arn] = secrets._Kept(json.dumps(value), secrets.cache._clock(), 60.0)
    assert Secret(Grant("secrets", "V", {"name": "x", "kind": "Secret", "secret": arn})).json() == value
    secrets.cache.forget(arn)
