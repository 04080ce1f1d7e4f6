"""Values in a preview: short, and never a secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.deploy.comparison import REPLACED, UNKNOWN, Side, compared
from klotho.deploy.shown import HIDDEN, WIDTH, masked, shown, shown_pair

CANARY = "canary-7f3a9c-value"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("Environment", "Variables", "API_TOKEN"), CANARY),
        (("Environment", "Variables", "DbPassword"), CANARY),
        (("ContainerDefinitions", 0, "Environment", 1), {"Name": "STRIPE_SECRET", "Value": CANARY}),
        (("MasterUserPassword",), CANARY),
        (("Environment", "Variables", "DATABASE_URL"), f"postgres://me:{CANARY}@host/db"),
        (("Command",), ["serve", f"--password={CANARY}"]),
        (("Environment", "Variables", "OPTIONS"), f'{{"token": "{CANARY}"}}'),
        (("Headers",), f"Authorization: Bearer {CANARY}"),
        (("Environment", "Variables", "KEY"), "AKIAABCDEFGHIJKLMNOP"),
        (("Environment", "Variables", "PEM"), "-----BEGIN RSA PRIVATE KEY-----\nabc"),
    ],
)
def test_what_looks_like_a_secret_is_not_shown(place: tuple[str | int, ...], value: Any) -> None:
    texts = (shown(place, value), *shown_pair(place, value, value), *shown_pair(place, "x" * 100, value))
    assert all(secret not in text for text in texts for secret in (CANARY, "AKIAABCD", "BEGIN RSA"))


@given(st.sampled_from(["PASSWORD", "my_secret", "Api-Key", "accessToken"]), st.text(min_size=4))
def test_no_text_under_a_secret_name_is_shown(name: str, value: str) -> None:
    if not value.startswith(("${", "arn:", "{{resolve:", "(known", "(of the")):
        assert shown(("Variables", name), value) == HIDDEN


def test_references_to_secrets_are_no_secrets() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x"
    assert shown(("Variables", "DB_SECRET"), arn).startswith('"arn:aws:secretsmanager:eu-west-1:000000000000:')
    assert masked(f'{{"secret": "{arn}"}}') == f'{{"secret": "{arn}"}}'
    assert shown(("AuthorizationType",), "NONE") == '"NONE"'
    assert masked("work.uses(secret)") == "work.uses(secret)"


def test_what_is_not_known_yet_is_said_so() -> None:
    assert shown(("A",), UNKNOWN) == shown(("A",), REPLACED) == "(known after deploy)"
    assert shown(("A",), f"x-{REPLACED}") == '"x-(known after deploy)"'


def test_long_values_are_cut_to_what_differs() -> None:
    assert len(shown(("A",), "x" * 500)) == WIDTH
    before, after = shown_pair(("A",), "x" * 200 + "old", "x" * 200 + "new")
    assert (before[-4:-1], after[-4:-1]) == ("old", "new")


def test_a_changed_variable_of_a_container_is_judged_by_its_name() -> None:
    def container(value: str) -> dict[str, Any]:
        return {"Environment": [{"Name": "API_TOKEN", "Value": value}, {"Name": "MODE", "Value": "x"}]}

    (found,) = compared(container("old-" + CANARY), Side({}, {}), container("new-" + CANARY), Side({}, {}))
    assert found.dotted == "Environment[0]"
    assert all(CANARY not in text for text in shown_pair(found.place, found.before, found.after))


def test_what_a_policy_allows_is_no_secret_and_only_there() -> None:
    action = "secretsmanager:GetSecretValue"
    assert shown(("PolicyDocument", "Statement", 0, "Action", 1), action) == f'"{action}"'
    assert shown(("Statement",), {"Action": [action]}) == f'{{"Action": ["{action}"]}}'
    assert HIDDEN in shown(("Action",), f"secret: {CANARY}")
    assert HIDDEN in shown(("Environment", "MODE"), "secret:Tr0ub4dor")
