"""Where credentials come from, and when they are fetched again."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from klotho.runtime import config, credentials
from klotho.runtime.aws import call, endpoint_of, region_of
from klotho.runtime.errors import AwsError, ConfigError, CredentialsError

from .aws_front import Front
from .conftest import CANARY


@pytest.fixture
def container(front: Front, monkeypatch: pytest.MonkeyPatch) -> Front:
    """An ECS task: no keys in the environment, but an address to ask for them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{front.url}/creds")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer container")
    monkeypatch.setattr(credentials.time, "sleep", lambda seconds: None)
    front.keys = {"KEY1": ("s1", "t1"), "KEY2": ("s2", "t2")}
    front.credentials += [issued(1, 3600)]
    return front


def issued(number: int, seconds: float) -> dict[str, object]:
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {
        "AccessKeyId": f"KEY{number}",
        "SecretAccessKey": f"s{number}",
        "Token": f"t{number}",
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def list_tables() -> object:
    return call("dynamodb", "ListTables", {})


def test_a_container_asks_its_endpoint_once_and_keeps_the_answer(container: Front) -> None:
    list_tables()
    list_tables()
    assert container.calls == ["credentials", "ListTables", "ListTables"]


def test_the_token_may_be_in_a_file_as_on_eks(
    container: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("Bearer container\n")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.delenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    list_tables()
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "none"))
    credentials.forget()
    with pytest.raises(CredentialsError, match="cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        list_tables()


def test_credentials_are_fetched_again_five_minutes_before_they_expire(container: Front) -> None:
    container.credentials[:] = [issued(1, 299), issued(2, 3600)]
    assert credentials.current().access_key == "KEY1"
    assert credentials.current().access_key == "KEY2"
    assert credentials.current().access_key == "KEY2"
    assert container.calls == ["credentials"] * 2


def test_credentials_that_are_still_good_bridge_an_outage_of_the_endpoint(container: Front) -> None:
    container.credentials[:] = [issued(1, 200)]
    assert credentials.current().access_key == "KEY1"
    container.credentials.clear()
    assert credentials.current().access_key == "KEY1"
    credentials.forget()
    with pytest.raises(CredentialsError, match="gave no credentials: HTTP status 500"):
        credentials.current()


def test_credentials_that_aws_calls_expired_are_replaced_and_the_call_repeated(container: Front) -> None:
    container.credentials[:] = [issued(1, 3600), issued(2, 3600)]
    container.faults.append((400, "ExpiredTokenException"))
    list_tables()
    assert container.calls == ["credentials", "ListTables", "credentials", "ListTables"]


def test_a_wrong_key_is_refused_by_the_other_side(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(AwsError, match="InvalidSignatureException"):
        list_tables()


def test_no_credentials_says_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match=r"AWS_ACCESS_KEY_ID.*AWS_CONTAINER_CREDENTIALS.*klotho exec"):
        credentials.current()


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "http://169.254.169.254/", "ftp://127.0.0.1/", "file:///etc/passwd"]
)
def test_credentials_are_never_asked_of_a_stranger_in_the_clear(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    with pytest.raises(CredentialsError, match="without https only loopback"):
        credentials.current()


def test_no_text_shows_the_secret_key(container: Front) -> None:
    container.credentials[:] = [{"AccessKeyId": "KEY1", "SecretAccessKey": CANARY, "Expiration": "never"}]
    with pytest.raises(CredentialsError, match="is not understood") as caught:
        credentials.current()
    assert CANARY not in str(caught.value) + repr(caught.value.__context__)
    assert CANARY not in repr(credentials.Credentials("KEY1", CANARY))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "https://secretsmanager.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1/"}, "http://127.0.0.1:1"),
        ({"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://b"}, "http://b"),
        (
            {"AWS_ENDPOINT_URL": "http://a", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "https://secretsmanager.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_the_endpoint_follows_the_variables_of_the_aws_sdks(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert endpoint_of("secretsmanager", "eu-west-1") == expected


def test_regional_endpoints_of_special_services_and_partitions() -> None:
    assert endpoint_of("servicediscovery", "us-east-1") == "https://data-servicediscovery.us-east-1.amazonaws.com"
    assert endpoint_of("dynamodb", "cn-north-1") == "https://dynamodb.cn-north-1.amazonaws.com.cn"


def test_fips_and_a_missing_region_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="AWS_REGION is not set"):
        region_of()
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    with pytest.raises(ConfigError, match="AWS_USE_FIPS_ENDPOINT is not supported"):
        endpoint_of("lambda", "us-east-1")


def test_a_secrets_region_is_that_of_its_arn(granted: None, front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        _ = config.datastores.get("users_db").password
