"""An infra.py with `klotho.Annotated()` and the annotated code beside it become one application."""

from __future__ import annotations

import re
from pathlib import Path

from klotho.diagnostics import render_text
from klotho.driver.front_ends import Read, read_program
from klotho.driver.program import find_program

HEAD = 'import klotho\nfrom klotho import Compute, Databases\nklotho.Application("shop", project="acme")\n'
CODE = {
    "package.json": '{"main": "index.js"}',
    "index.js": 'const app = require("express")();\n// @klotho::persist { id = "old/notes" }\n'
    'const notes = new Map();\napp.get("/", async (req, res) => res.json(await notes.get("a")));\n'
    '// @klotho::expose { id = "api" }\napp.listen(3000);\n',
}


def read(folder: Path, program: str) -> Read:
    for name, content in {**CODE, "infra.py": HEAD + program}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return read_program(find_program(folder))


def relations(found: Read) -> set[tuple[str, str, str]]:
    assert found.application is not None
    return {(item.verb, str(item.actor), str(item.target)) for item in found.application.relationships}


def test_what_infra_py_says_of_units_apis_and_stores_is_said_of_what_the_code_makes(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'code = klotho.Annotated()\ncarts = Databases.KeyValue("carts", key="id")\n'
        'code.unit("main").reads_from(carts)\nstamp = Compute.Function("stamp", "stamp.handler")\n'
        'stamp.reads_from(code.store("old/notes"))\ncode.api("api").attach_service(stamp, route="/stamp")\n'
        'code.unit("main").requires(max_duration_s=60)\ncode.unit("main").use("lambda", memory=1024)\n',
    )
    assert render_text(found.report.diagnostics, tmp_path) == ""
    assert ("reads_from", "Compute.Function/main", "Databases.KeyValue/carts") in relations(found)
    assert ("reads_from", "Compute.Function/main", "Databases.KeyValue/old-notes") in relations(found)
    assert ("reads_from", "Compute.Function/stamp", "Databases.KeyValue/old-notes") in relations(found)
    assert ("attach_service", "API/api", "Compute.Function/stamp") in relations(found)
    assert found.application is not None
    assert found.application.name == "shop"
    assert [str(item.subject) for item in found.application.requirements] == ["Compute.Function/main"]
    assert found.units  # which are written for packing


def test_what_the_code_does_not_make_is_an_error_with_the_nearest_id(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'code = klotho.Annotated()\ncode.unit("mian").reads_from(Databases.KeyValue("t", key="id"))\ncode.api("apu")\n',
    )
    text = render_text(found.report.diagnostics, tmp_path)
    assert 'error[annotation-unknown-id]: the annotated code has no execution unit "mian"' in text
    assert "did you mean `main`?" in text
    assert 'no exposed API "apu"' in text
    assert "--> infra.py:5" in text


def test_mistakes_in_the_code_and_in_the_program_come_together(tmp_path: Path) -> None:
    (tmp_path / "more.js").write_text('// @klotho::persit { id = "x" }\nf();\n')
    found = read(tmp_path, 'klotho.Annotated().unt("main")\nCompute.Container("c", imag="nginx")\n')
    codes = {item.code for item in found.report.diagnostics}
    assert {"unknown-attribute", "annotation-unknown"} <= codes


def test_annotated_code_is_taken_in_once_and_only_when_asked_for(tmp_path: Path) -> None:
    alone = read(tmp_path, 'Databases.KeyValue("t", key="id")\n')
    assert relations(alone) == set()
    twice = read(tmp_path, "klotho.Annotated()\nklotho.Annotated()\n")
    assert [item.code for item in twice.report.diagnostics] == ["conflicting-arguments"]


def test_an_id_that_is_no_text_is_told_at_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, "klotho.Annotated().unit(3)\n")
    assert [(item.code, str(item.span)) for item in found.report.diagnostics] == [("wrong-argument", "infra.py:4")]


def test_the_program_in_the_docs_takes_in_the_code_beside_it(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "annotations.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.S | re.M)
    for name, content in CODE.items():
        content = content.replace("old/notes", "pets").replace('"api"', '"pets-api"')
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "infra.py").write_text(program, encoding="utf-8")
    found = read_program(find_program(tmp_path))
    assert render_text(found.report.diagnostics, tmp_path) == ""
    assert ("attach_service", "API/pets-api", "Compute.Function/report") in relations(found)


def test_a_static_unit_is_spoken_of_as_a_site(tmp_path: Path) -> None:
    (tmp_path / "site.js").write_text('// @klotho::static_unit { id = "web"\n// static_files = "*.html" }\nf();\n')
    (tmp_path / "index.html").write_text("<p>hi</p>")
    found = read(
        tmp_path,
        'code = klotho.Annotated()\nCompute.Function("f", "f.h", environment={"SITE": code.site("web").url})\n'
        'code.site("web").override("AWS::CloudFront::Distribution", {"DistributionConfig": {"Comment": "x"}})\n',
    )
    assert render_text(found.report.diagnostics, tmp_path) == ""
    assert found.application is not None
    (directive,) = found.application.directives
    assert directive.subject == "Site/web"


def test_an_infra_py_that_takes_in_code_without_annotations_is_told_so_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(f"{HEAD}code = klotho.Annotated()\n")
    text = render_text(read_program(find_program(tmp_path)).report.diagnostics, tmp_path)
    assert "no annotation is in the code below this folder\n --> infra.py:4:8\n" in text


def test_where_units_run_is_said_by_klotho_yaml_and_the_program_may_give_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "klotho.yaml").write_text("execution_units: {main: {type: fargate-spot}}\n")
    found = read(tmp_path, 'klotho.Annotated().unit("main").use("fargate-spot", memory=1024)\n')
    assert render_text(found.report.diagnostics, tmp_path) == ""
    assert found.application is not None
    uses = [(str(item.subject), item.target, dict(item.properties)) for item in found.application.directives]
    assert uses == [
        ("Compute.Container/main", "fargate-spot", {}),
        ("Compute.Container/main", "fargate-spot", {"memory": 1024}),
    ]
    other = read(tmp_path, 'klotho.Annotated().unit("main").use("eks")\n')
    (problem,) = other.report.errors
    assert problem.message == '"main" is made as `fargate-spot` by klotho.yaml, and as `eks` here'
    assert [str(label.span) for label in problem.labels] == ["infra.py:4", "klotho.yaml:1"]
