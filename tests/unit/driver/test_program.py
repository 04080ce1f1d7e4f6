"""Which program and which environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.diagnostics import ExitCode, Failure
from klotho.driver.program import choose_environment, find_program, with_region


def write_program(folder: Path, settings: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "infra.py").write_text("")
    (folder / "klotho.yaml").write_text(settings)
    return folder / "infra.py"


def test_a_folder_means_its_infra_py(tmp_path: Path) -> None:
    path = write_program(tmp_path)
    assert find_program(tmp_path).path == path.resolve()
    assert find_program(path).folder == tmp_path.resolve()


def test_a_missing_program_says_where_one_is(tmp_path: Path) -> None:
    write_program(tmp_path / "shop")
    with pytest.raises(Failure) as caught:
        find_program(tmp_path)
    assert caught.value.exit_code is ExitCode.NOT_FOUND
    assert caught.value.diagnostic.helps == (f"there is one in `shop`: run `klotho up {tmp_path / 'shop'}`",)


def test_without_any_program_init_is_offered(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        find_program(tmp_path / "nothing" / "infra.py")
    assert "run `klotho init`" in caught.value.diagnostic.helps[0]


def test_the_command_line_wins_over_the_program_and_that_over_the_default(tmp_path: Path) -> None:
    program = find_program(
        write_program(tmp_path, "environments: {staging: {target: aws}, desk: {target: local, region: eu-west-1}}")
    )
    assert choose_environment(program, "desk", "staging", False).name == "desk"
    assert choose_environment(program, None, "staging", True).name == "staging"
    assert choose_environment(program, None, None, False).name == "local"
    assert with_region(choose_environment(program, "desk", None, False), "us-west-2").region == "eu-west-1"
    assert with_region(choose_environment(program, None, None, False), "us-west-2").region == "us-west-2"
    assert with_region(choose_environment(program, None, None, False), None).region == "us-east-1"


def test_under_ci_the_environment_must_be_named(tmp_path: Path) -> None:
    program = find_program(write_program(tmp_path))
    with pytest.raises(Failure) as caught:
        choose_environment(program, None, None, True)
    assert caught.value.exit_code is ExitCode.USAGE
