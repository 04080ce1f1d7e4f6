"""The older compiler's keys in klotho.yaml: read, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.diagnostics import ProgramError, Report, render_text
from klotho.driver.build import build
from klotho.driver.program import find_program
from klotho.driver.settings import parse_settings

CODE = (
    '// @klotho::persist { id = "pets" }\nconst pets = new Map();\nconst app = require("express")();\n'
    '// @klotho::expose { id = "api" }\napp.listen(3000);\n'
)


def problems(text: str) -> list[str]:
    report = Report()
    parse_settings(text, report)
    return [render_text([item], Path("/nowhere")) for item in report.errors]


def test_what_is_compiled_is_taken() -> None:
    text = (
        "execution_units: {main: {type: lambda, environment_variables: {A: b}}}\n"
        "exposed: {api: {type: apigateway, api_type: HTTP}, inside: {type: alb}}\npersisted: {pets: {type: dynamodb}}\n"
        "defaults: {execution_unit: {type: lambda}, expose: {type: apigateway}, persist: {kv: {type: dynamodb}}}\n"
    )
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("execution_units: {main: {type: apprunner}}", "`execution_units.main.type: apprunner` is not supported yet"),
        ("execution_units: {main: {type: lamda}}", "did you mean `lambda`?"),
        ("execution_units: {main: {tpye: lambda}}", "did you mean `type`?"),
        ("execution_units: {main: {pulumi_params: {a: 1}}}", "has no meaning here"),
        ("execution_units: 3", "must hold names with settings"),
        ("exposed: {api: {type: [alb]}}", "`exposed.api.type` must be a text"),
        ("exposed: {api: {api_type: REST}}", "not supported yet"),
        ("persisted: {pets: {type: cockroachdb_serverless}}", "use `rds_postgres`"),
        ("defaults: {execution_unt: {}}", "did you mean `execution_unit`?"),
        ("defaults: {persist: {redis_cluster: {}}}", "`defaults.persist.redis_cluster` is not supported yet"),
        ("defaults: {persist: {orm: {type: s3}}}", "`defaults.persist.orm.type` is `s3`, which is of another kind"),
        ("persisted: {pets: {type: memorydb}}", "`persisted.pets.type: memorydb` is not supported yet"),
        ("pubsub: {}", "comes with a later release"),
    ],
)
def test_what_is_not_is_refused_with_what_to_do(text: str, said: str) -> None:
    assert said in "\n".join(problems(text))


def test_variables_reach_their_unit_and_unknown_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE)
    settings = tmp_path / "klotho.yaml"
    settings.write_text("execution_units: {main: {environment_variables: {GREETING: hi}}}\n")
    built = build(find_program(tmp_path), None)
    (function,) = [item for item in built.application.constructs if item.kind == "Compute.Function"]
    assert function.properties["environment"] == {"GREETING": "hi"}
    settings.write_text("persisted: {pest: {type: dynamodb}}\n")
    with pytest.raises(ProgramError, match=r"`persisted\.pest` is no id of an annotation") as refused:
        build(find_program(tmp_path), None)
    (found,) = refused.value.diagnostics
    assert found.helps == ("did you mean `pets`?",)
    assert str(found.span) == "klotho.yaml:1"


def test_a_type_of_another_kind_than_the_code_has_is_refused_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE)
    (tmp_path / "klotho.yaml").write_text("persisted:\n  pets:\n    type: s3\n")
    with pytest.raises(ProgramError, match=r"`persisted\.pets\.type` is `s3`") as refused:
        build(find_program(tmp_path), None)
    found = next(item for item in refused.value.diagnostics if item.code == "settings-value")
    assert (str(found.span), found.helps) == ("klotho.yaml:3", ("write `type: dynamodb`, or leave it out",))


def test_a_compile_removes_units_that_are_gone_and_leaves_strangers(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE + 'require("./other").f();\n')
    other = tmp_path / "other.js"
    other.write_text('// @klotho::execution_unit { id = "other" }\nexports.f = async () => 1;\n')
    build(find_program(tmp_path), None)
    assert (tmp_path / "compiled/other/other.js").is_file()
    other.write_text("exports.f = async () => 1;\n")
    build(find_program(tmp_path), None)
    assert not (tmp_path / "compiled/other").exists()
    assert (tmp_path / "compiled/main/other.js").read_text() == "exports.f = async () => 1;\n"


def test_units_and_apis_take_settings_of_constructs_as_those_of_an_infra_py_do(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE)
    settings = (
        "execution_units: {main: {type: fargate}}\n"
        "constructs: {main: {use: {implementation: fargate, memory: 2048}, max_instances: 3}, api: {cors: true}}\n"
    )
    (tmp_path / "klotho.yaml").write_text(settings)
    with pytest.raises(ProgramError, match="`max_instances`") as refused:
        build(find_program(tmp_path), None)
    assert [item.code for item in refused.value.diagnostics] == ["settings-key-unknown"]
    (tmp_path / "klotho.yaml").write_text(settings.replace(", max_instances: 3", ""))
    found = {item.name: item for item in build(find_program(tmp_path), None).application.constructs}
    assert found["api"].properties["cors"] is True


def test_a_mistake_of_klotho_yaml_is_told_without_missing_folders_of_units(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE)
    for type_ in ("lambda", "fargate"):
        text = f"execution_units: {{main: {{type: {type_}}}}}\npersisted: {{pest: {{type: dynamodb}}}}\n"
        (tmp_path / "klotho.yaml").write_text(text)
        with pytest.raises(ProgramError) as refused:
            build(find_program(tmp_path), None)
        assert [item.code for item in refused.value.diagnostics] == ["settings-key-unknown"]
