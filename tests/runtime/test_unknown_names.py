"""What a developer reads who asks for a name that is not there."""

from __future__ import annotations

import pickle

import pytest

from klotho.runtime import config
from klotho.runtime.errors import AwsError, ConfigError, NotUnderKlothoError, UnknownNameError, WrongKindError


def test_a_slip_is_answered_with_the_nearest_name_what_there_is_and_how_to_get_more(granted: None) -> None:
    with pytest.raises(UnknownNameError) as caught:
        config.datastores.get("user_db")
    assert str(caught.value).splitlines() == [
        "this service ('api') was granted no datastore named 'user_db'. Did you mean 'users_db'?",
        "Granted datastores: bids (Databases.KeyValue, read), carts (Databases.KeyValue, read_write), "
        "legacy (Databases.Oracle), users_db (Databases.Postgres, read_write).",
        "To grant it, write api.reads_from(user_db), api.writes_to(user_db) or api.read_writes_to(user_db) "
        "in infra.py and run `klotho up`.",
    ]


def test_the_published_slip_finds_the_function_by_a_shared_word(granted: None) -> None:
    with pytest.raises(LookupError, match="Did you mean 'create_invoice_lambda'") as caught:
        config.services.get("invoice_service")
    assert "write api.calls(invoice_service) in infra.py" in str(caught.value)


def test_a_name_of_another_group_is_said_to_be_there(granted: None) -> None:
    with pytest.raises(
        UnknownNameError, match=r"'pdf' is granted as a service: use klotho.config.services.get\('pdf'\)"
    ):
        config.datastores.get("pdf")


@pytest.mark.parametrize(
    ("group", "verbs"),
    [
        ("buckets", "api.reads_from(x), api.writes_to(x) or api.read_writes_to(x)"),
        ("queues", "api.sends_to(x) or api.consumes(x)"),
        ("topics", "api.publishes_to(x) or api.subscribes_to(x)"),
        ("secrets", "api.uses(x)"),
        ("settings", "environment={…}"),
    ],
)
def test_every_group_names_the_verb_that_grants(granted: None, group: str, verbs: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        getattr(config, group).get("x")
    assert verbs in str(caught.value)


def test_nothing_granted_is_said_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLOTHO_UNIT", "api")
    with pytest.raises(UnknownNameError, match="Granted services: none"):
        config.services.get("pdf")


def test_outside_of_klotho_the_way_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLOTHO_SECRET_TTL_SECONDS", "5")  # an option, not a sign of being deployed
    with pytest.raises(NotUnderKlothoError, match=r"`klotho up`.*`klotho exec SERVICE -- COMMAND`"):
        config.services.get("pdf")


def test_a_damaged_variable_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("not json canary-1", "[]", '{"kind": "x"}', '{"name": 3}'):
        monkeypatch.setenv("KLOTHO_DATASTORE_X", value)
        with pytest.raises(ConfigError, match="KLOTHO_DATASTORE_X") as caught:
            config.datastores.get("x")
        assert "canary" not in str(caught.value)
        assert caught.value.__context__ is None


def test_a_kind_of_the_future_is_refused_by_name(granted: None) -> None:
    with pytest.raises(WrongKindError, match=r"'legacy' is a Databases\.Oracle, which this version"):
        config.datastores.get("legacy")


def test_the_typed_accessors_refuse_the_other_kind(granted: None) -> None:
    with pytest.raises(WrongKindError, match=r"'carts' is a Databases\.KeyValue, not a Databases\.Postgres"):
        config.datastores.postgres("carts")
    with pytest.raises(WrongKindError, match=r"'users_db' is a Databases\.Postgres, not a Databases\.KeyValue"):
        config.datastores.key_value("users_db")


def test_a_name_that_is_no_text_is_a_type_error(granted: None) -> None:
    with pytest.raises(TypeError, match="takes a name, a str, not int"):
        config.services.get(3)  # type: ignore[arg-type]


def test_the_variables_own_name_is_never_decoded(granted: None) -> None:
    assert config.datastores.key_value("carts").table == "carts-1234"
    assert config.datastores.names() == ["bids", "carts", "legacy", "users_db"]
    assert config.unit() == "api"


def test_a_grant_that_lacks_a_field_names_those_it_has(granted: None) -> None:
    with pytest.raises(WrongKindError, match=r"no 'bucket'; it has access, arn, kind, name \(KLOTHO_BUCKET_FILES\)"):
        config.buckets.get("files")


def test_errors_survive_pickling_as_process_pools_need_it() -> None:
    error = pickle.loads(pickle.dumps(AwsError("dynamodb", "Code", "text", 400, "id")))
    assert (error.service, error.code, error.message, error.status, error.request_id) == (
        "dynamodb", "Code", "text", 400, "id",
    )  # fmt: skip
