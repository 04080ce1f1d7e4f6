"""The Pulumi programs run under the real SDK and register what the templates say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from klotho.catalogue.facts import is_custom
from klotho.emit.classic import is_classic
from klotho.emit.exported import Export, named_in
from klotho.emit.pulumi.folder import pulumi_files
from klotho.emit.pulumi.names import camel, token
from klotho.emit.pulumi.program import programs, project_name
from klotho.emit.pulumi.python import config_key
from tests.gates.exports.conftest import Exported
from tests.gates.exports.expected import REF, Expected, given, same

pytestmark = [pytest.mark.gates, pytest.mark.timeout(600)]

TOOLS = Path(__file__).parents[3] / ".venv-exports"
RUNNER = Path(__file__).parent / "run_pulumi_programs.py"

Record = Callable[[str, object], None]


def attributes(export: Export) -> dict[str, list[str]]:
    """What the programs read of what AWS decides, by type token and Pulumi's names."""
    found: dict[str, set[str]] = {}
    for stack in export.stacks:
        values = [
            *(item.properties for item in stack.resources.values()),
            *(out.value for out in stack.outputs.values()),
        ]
        for item in named_in(values):
            type_name = stack.resources[item.resource].type
            attribute = item.attribute or REF.get(type_name)
            if attribute is not None and not is_custom(type_name):
                path = ".".join(camel(name) for name in attribute.split("."))
                found.setdefault(token(type_name), set()).add(path)
    return {name: sorted(paths) for name, paths in found.items()}


def written(item: Exported, folder: Path, language: str, *, single: bool) -> dict[str, Any]:
    """Write one export; what running it needs to know."""
    for name, content in pulumi_files(item.export, language=language, single=single).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    config: dict[str, str] = {}
    steps = []
    for stack in item.export.stacks:
        project = project_name(item.export, None if single else stack.name)
        config |= {f"{project}:{config_key(name)}": given(name, stack.inputs[name]) for name in stack.configured()}
        steps.append({"folder": str(folder / stack.name), "project": project, "config": config})
    if single:
        steps = [{"folder": str(folder), "project": item.export.application, "config": config}]
    return {"programs": steps, "attributes": attributes(item.export)}


def ran(command: list[str], tasks: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    asked = json.dumps(tasks)
    done = subprocess.run(command, cwd=folder, input=asked, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


@pytest.mark.parametrize("single", [False, True], ids=["a project a stack", "one project"])
def test_programs_in_python_register_what_the_templates_say(
    covering_exports: list[Exported], tmp_path: Path, single: bool, record_property: Record
) -> None:
    tasks = [written(item, tmp_path / item.name, "python", single=single) for item in covering_exports]
    results = ran([str(TOOLS / "bin" / "python"), str(RUNNER)], tasks, tmp_path)
    count = compare(covering_exports, results, single=single)
    record_property("figure", f"exports: {count} resources registered by Python programs as the templates have them")


def test_programs_in_typescript_pass_tsc_strict_and_register_what_the_templates_say(
    covering_exports: list[Exported], tmp_path: Path, record_property: Record
) -> None:
    """One run of tsc over all of them, those of one project too; those of a project a stack are run."""
    tasks = [written(item, tmp_path / item.name, "typescript", single=False) for item in covering_exports]
    for item in covering_exports:
        written(item, tmp_path / "single" / item.name, "typescript", single=True)
    options = json.loads((tmp_path / covering_exports[0].name / "tsconfig.json").read_text())["compilerOptions"]
    assert options.pop("strict") and options.pop("outDir")
    configuration = {"compilerOptions": {**options, "strict": True, "noEmitOnError": True}, "include": ["**/*.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(configuration))
    (tmp_path / "node_modules").symlink_to(TOOLS / "typescript" / "node_modules")
    tsc = tmp_path / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(["node", str(tsc), "-p", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    results = ran(["node", str(RUNNER.with_suffix(".cjs"))], tasks, tmp_path)
    count = compare(covering_exports, results, single=False)
    record_property(
        "figure", f"exports: {count} resources registered by TypeScript programs as the templates have them"
    )


def compare(covering_exports: list[Exported], results: list[dict[str, Any]], *, single: bool) -> int:
    """How many resources are the same."""
    count = 0
    for item, result in zip(covering_exports, results, strict=True):
        declared = {
            logical_id: one
            for program in programs(item.export, single=single)
            for logical_id, one in program.declared.items()
        }
        expected = Expected(item.bundle, lambda logical_id, declared=declared: declared[logical_id].name)
        registered = {one["name"]: one for one in result["registered"]}
        assert len(registered) == len(result["registered"]), f"{item.name}: a name is taken twice"
        wrong = []
        for stack, logical_id, resource in expected.resources():
            count += 1
            said = registered.pop(declared[logical_id].name)
            wrong += [f"{stack.name}/{logical_id}: unknown to the SDK: {path}" for path in said["unknown"]]
            wrong += [f"{stack.name}/{logical_id}: {problem}" for problem in differences(stack, resource, said)]
            waits = {declared[name].name for name in resource.get("DependsOn", ())}
            assert waits <= set(said["depends_on"]), f"{logical_id} does not wait"
        assert wrong == [], "\n".join([item.name, *wrong[:20]])
        assert registered == {}, f"{item.name} registers what no template has"
        if not single:
            for stack in item.export.stacks:
                outputs = result["outputs"][project_name(item.export, stack.name)]
                assert outputs == expected.outputs(stack.name), f"{item.name}/{stack.name}"
    return count


def differences(stack: Any, resource: dict[str, Any], said: dict[str, Any]) -> list[str]:
    type_name, found = resource["Type"], []
    properties = resource["Properties"]
    if is_custom(type_name):
        told = {name: value for name, value in properties.items() if name not in ("ServiceToken", "ServiceTimeout")}
        assert json.loads(said["inputs"]["input"]) == {"ResourceProperties": told}
        assert said["inputs"]["functionName"] == properties["ServiceToken"]
        return []
    assert not is_classic(type_name), f"{type_name}: say here what it must be"
    if said["token"] != token(type_name):
        found.append(f"{said['token']} instead of {type_name}")
    names = {name: camel(name) for name in properties}
    if set(names.values()) != set(said["inputs"]):
        found.append(f"has {sorted(said['inputs'])}, wants {sorted(names.values())}")
    found += [
        f"{name} is {said['inputs'].get(names[name])!r}, wants {value!r}"
        for name, value in properties.items()
        if not same(value, said["inputs"].get(names[name]), camel)
    ]
    secret = sorted(names[name] for name, value in properties.items() if "{{resolve:" in json.dumps(value))
    if said["secret"] != secret:
        found.append(f"has the secrets {said['secret']}, wants {secret}")
    kept = resource.get("DeletionPolicy", "Delete") != "Delete"
    if said["kept"] != kept or said["protect"] != (kept and stack.protected):
        found.append("is kept or protected otherwise")
    return found
