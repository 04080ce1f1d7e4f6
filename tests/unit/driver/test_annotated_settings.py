"""The older compiler's keys in klotho.yaml: read, or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from klotho.diagnostics import ProgramError, Report, render_text
from klotho.driver.build import Build, build, compiled_files
from klotho.driver.program import find_program
from klotho.driver.settings import parse_settings
from tests.conftest import CompareGolden

OLD = Path(__file__).parent / "old_klotho"
CODE = (
    '// @klotho::persist { id = "pets" }\nconst pets = new Map();\nconst app = require("express")();\n'
    '// @klotho::expose { id = "api" }\napp.listen(3000);\n'
)


def only(built: Build, type_: str) -> Mapping[str, Any]:
    (found,) = [item for item in built.graph.resources.values() if item.type == type_]
    return found.properties


def problems(text: str) -> list[str]:
    report = Report()
    parse_settings(text, report)
    return [render_text([item], Path("/nowhere")) for item in report.errors]


def test_what_is_compiled_is_taken() -> None:
    text = (
        "execution_units: {main: {type: lambda, environment_variables: {A: b}}}\n"
        "exposed: {api: {type: apigateway, api_type: HTTP}, inside: {type: alb}}\npersisted: {pets: {type: dynamodb}}\n"
        "pubsub: {bus: {type: sns}}\nconfig: {c: {type: secrets_manager}}\n"
        "static_unit: {web: {type: s3, content_delivery_network: {id: web}}}\n"
        "defaults: {execution_unit: {type: lambda}, expose: {type: apigateway, api_type: HTTP},\n"
        "  static_unit: {type: s3}, "
        "  pubsub: {type: sns}, config: {type: secrets_manager}, persist: {kv: {type: dynamodb}, fs: {type: s3},\n"
        "  secret: {type: secrets_manager}, orm: {type: aurora}, redis_node: {type: elasticache},\n"
        "  redis_cluster: {type: elasticache}}}\n"
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
        (
            "defaults: {persist: {redis_cluster: {type: memorydb}}}",
            "`defaults.persist.redis_cluster.type: memorydb` is",
        ),
        ("defaults: {persist: {orm: {type: s3}}}", "`defaults.persist.orm.type` is `s3`, which is of another kind"),
        ("persisted: {pets: {type: memorydb}}", "`persisted.pets.type: memorydb` is not supported yet"),
        ("config: {c: {type: s3}}", "`config.c.type: s3` is not supported yet"),
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


def test_every_key_and_type_of_the_older_compiler_is_taken_or_told_what_it_is_here(
    golden: CompareGolden,
) -> None:
    """`old_klotho.yaml` is what the older compiler wrote and took; what is not said of it in the text file is taken."""
    report = Report()
    parse_settings(OLD.with_suffix(".yaml").read_text(encoding="utf-8"), report)
    found = sorted(report.errors, key=lambda item: item.span or ())
    lines = [f"{item.span}: {item.message}; {' '.join(item.helps)}\n" for item in found]
    golden(OLD.with_suffix(".txt"), "".join(lines))


SAID = """# mine
persisted:
  pets:  # the pets
    type: dynamodb-provisioned
    use: {implementation: dynamodb-provisioned, read_capacity: [5, 10]}
    override:
      AWS::DynamoDB::Table: {TableClass: STANDARD_INFREQUENT_ACCESS}
execution_units:
  main:
    expects: {requests_per_month: 200}
"""
WRITTEN = """# Written by Klotho: what klotho.yaml comes to. Copy what you want to change into your own.
# mine
persisted:
  pets:  # the pets
    type: dynamodb-provisioned
    use: {implementation: dynamodb-provisioned, read_capacity: [5, 10]}
    override:
      AWS::DynamoDB::Table: {TableClass: STANDARD_INFREQUENT_ACCESS}
execution_units:
  main:
    expects: {requests_per_month: 200}
    type: lambda
exposed:
  api:
    type: apigateway
"""


def test_use_override_and_expectations_of_ids_are_directives_and_the_file_is_written_back_expanded(
    tmp_path: Path,
) -> None:
    (tmp_path / "index.js").write_text(CODE)
    (tmp_path / "klotho.yaml").write_text(SAID)
    built = build(find_program(tmp_path), None)
    table = only(built, "AWS::DynamoDB::Table")
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert table["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    files = compiled_files(built)
    assert files["klotho.yaml"].decode() == WRITTEN
    assert compiled_files(build(find_program(tmp_path), None)) == files
    assert (tmp_path / "klotho.yaml").read_text() == SAID
    (tmp_path / "klotho.yaml").write_text(WRITTEN)  # the way the older compiler's users worked
    again = build(find_program(tmp_path), None)
    assert {name: again.templates[name] for name in again.templates} == dict(built.templates)


def test_a_type_of_all_of_a_kind_holds_where_an_id_says_no_other(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE.replace("const app", MORE + "const app"))
    (tmp_path / "klotho.yaml").write_text(
        "defaults: {persist: {kv: {type: dynamodb-provisioned}}}\npersisted: {more/pets: {type: dynamodb}}\n"
    )
    built = build(find_program(tmp_path), None)
    assert built.choices == {
        "Compute.Function/main": "lambda",
        "API/api": "http-api",
        "Databases.KeyValue/pets": "dynamodb-provisioned",
        "Databases.KeyValue/more-pets": "dynamodb",
    }
    assert b"more/pets: {type: dynamodb}" in compiled_files(built)["klotho.yaml"]


MORE = '// @klotho::persist { id = "more/pets" }\nconst more = new Map();\n'


def test_parameters_below_constructs_are_those_of_annotated_code_too(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE)
    (tmp_path / "klotho.yaml").write_text("constructs: {main: {memory: 1024}}\n")
    built = build(find_program(tmp_path), None)
    assert only(built, "AWS::Lambda::Function")["MemorySize"] == 1024


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
