"""`klotho config`: one setting at a time, and nothing else of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from klotho.diagnostics import Failure, ProgramError
from klotho.driver.configuration import key_of, set_value, value_at, values

WRITTEN = """\
# where we deploy
app: shop
environments:
  prod:  # the real one
    target: aws
    region: eu-central-1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "klotho.yaml").write_text(WRITTEN)
    return tmp_path


def test_a_setting_is_written_and_everything_else_stays_as_it_is(folder: Path) -> None:
    assert set_value(folder, key_of("region", "prod"), "us-east-1") == "us-east-1"
    assert (folder / "klotho.yaml").read_text() == WRITTEN.replace("eu-central-1", "us-east-1")


@pytest.mark.parametrize(
    ("key", "text", "understood"),
    [
        ("environments.prod.account", "123456789012", "123456789012"),
        ("environments.prod.account", "000000000000", "000000000000"),
        ("environments.prod.protect", "true", True),
        ("environments.prod.allow", "[exec, tunnel]", ["exec", "tunnel"]),
        ("environments.prod.alarms.email", "ops@example.com", "ops@example.com"),
        ("project", "acme", "acme"),
    ],
)
def test_a_text_is_understood_as_the_setting_wants_it(folder: Path, key: str, text: str, understood: Any) -> None:
    assert set_value(folder, key_of(key, None), text) == understood
    assert value_at(folder, key_of(key, None)) == understood


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("environments.prod.regoin", "x", "did you mean `region`?"),
        ("environments.prod.allow", "[exce]", "did you mean `exec`?"),
        ("environments.prod.account", "12", "must be 12 digits"),
        ("environments.stage.region", "eu-west-1", "`environments.stage` does not say where it is"),
    ],
)
def test_what_the_reader_refuses_is_not_written(folder: Path, key: str, text: str, said: str) -> None:
    with pytest.raises(ProgramError) as error:
        set_value(folder, key_of(key, None), text)
    (found,) = error.value.diagnostics
    assert said in " ".join([found.message, *found.helps])
    assert found.labels == ()
    assert (folder / "klotho.yaml").read_text() == WRITTEN


def test_the_file_is_made_when_there_is_none(tmp_path: Path) -> None:
    set_value(tmp_path, ("project",), "acme")
    assert (tmp_path / "klotho.yaml").read_text() == "project: acme\n"


def test_all_settings_are_listed_with_dotted_keys(folder: Path) -> None:
    assert dict(values(folder)) == {
        "app": "shop",
        "environments.prod.target": "aws",
        "environments.prod.region": "eu-central-1",
    }


def test_a_key_that_is_not_set_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(Failure) as error:
        value_at(folder, key_of("environments.prod.regio", None))
    assert (error.value.exit_code, error.value.diagnostic.code) == (6, "setting-not-set")
    assert "did you mean `environments.prod.region`?" in error.value.diagnostic.helps


def test_no_key_is_made_of_dots(folder: Path) -> None:
    with pytest.raises(Failure):
        key_of("environments..region", None)


PROGRAM = """\
import klotho
from klotho import Compute
klotho.Application("shop")
Compute.Function(name="orders", handler="orders.handler")
"""


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("constructs.orders.memory", "lots", "must be a whole number of MB"),
        ("constructs.orders.memroy", "512", "did you mean `memory`?"),
        ("constructs.oders.memory", "512", "did you mean `orders`?"),
        ("constructs.orders.use", "lamda", "use one of `lambda`,"),
        ("environments.prod.constructs.orders.memory", "lots", "must be a whole number of MB"),
        ("environments.prod.constructs.orders.requires.availabilty", "99.9", "did you mean `availability`?"),
    ],
)
def test_what_the_program_would_be_refused_for_is_not_written(folder: Path, key: str, text: str, said: str) -> None:
    (folder / "infra.py").write_text(PROGRAM)
    (folder / "orders.py").write_text("def handler(event, context): ...\n")
    with pytest.raises(ProgramError) as error:
        set_value(folder, key_of(key, None), text)
    assert said in " ".join(" ".join((item.message, *item.helps)) for item in error.value.diagnostics)
    assert (folder / "klotho.yaml").read_text() == WRITTEN


def test_what_fits_the_program_is_written_although_the_program_has_a_mistake_elsewhere(folder: Path) -> None:
    (folder / "infra.py").write_text(PROGRAM + 'Compute.Function(name="gone", handler="gone.handler")\n')
    (folder / "orders.py").write_text("def handler(event, context): ...\n")
    assert set_value(folder, key_of("constructs.orders.memory", None), "512") == 512
    assert "memory: 512" in (folder / "klotho.yaml").read_text()
