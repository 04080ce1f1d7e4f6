"""Which saved file belongs to what, and which files are none of an application's."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klotho.deploy.functions.package import FunctionPackager
from klotho.deploy.place import Clients
from klotho.deploy.target import HOST
from klotho.driver.build import build
from klotho.driver.dev.lambda_swap import LambdaSwap
from klotho.driver.dev.units import Unit, Units, units_of
from klotho.driver.dev.watching import Saved, is_source
from klotho.driver.program import find_program
from klotho.resources import PackageAsset

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = {
    "infra.py": """\
import klotho
from names import NAME
from klotho import Compute, Site
klotho.Application(NAME)
Compute.Function(name="py", handler="functions/py.handler")
Compute.Function(name="js", handler="functions/js.handler")
Compute.Container(name="web", context="web")
Compute.Container(name="far", context="far").use("lambda-container")
Site(name="page", directory="page")
""",
    "names.py": "NAME = 'shop'\n",
    "functions/py.py": "from shared import words\n\n\ndef handler(event, context): ...\n",
    "functions/js.js": "exports.handler = async () => 1;\n",
    "shared/words.py": "WORD = 'one'\n",
    "web/Dockerfile": 'FROM python:3.12-slim\nCOPY main.py .\nEXPOSE 8080\nCMD ["python", "main.py"]\n',
    "web/.dockerignore": "notes\n",
    "web/main.py": "print()\n",
    "far/Dockerfile": 'FROM python:3.12-slim\nCOPY main.py .\nCMD ["python", "main.py"]\n',
    "far/main.py": "print()\n",
    "page/index.html": "<h1>one</h1>\n",
}


class CloudFormation:
    """Every resource has its logical id as its physical one."""

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:
        names = ["PyFunction", "JsFunction", "WebService", "FarFunction"]
        return {"StackResources": [{"LogicalResourceId": name, "PhysicalResourceId": name} for name in names]}


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Units:
    folder = tmp_path_factory.mktemp("program").resolve()
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    built = build(find_program(folder), None)
    clients = cast("Clients", SimpleNamespace(cloudformation=CloudFormation()))
    return units_of(built, clients, FunctionPackager(folder, folder.parent / "cache", HOST))


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Units:
    """Of annotated code."""
    folder = tmp_path_factory.mktemp("pets").resolve()
    shutil.copytree(EXAMPLES / "annotated-pets-csharp", folder, dirs_exist_ok=True)
    clients = cast("Clients", SimpleNamespace(cloudformation=CloudFormation()))
    built = build(find_program(folder), None)
    return units_of(built, clients, FunctionPackager(folder, folder.parent / "cache", HOST))


def saved(units: Units, name: str, is_new: bool = False) -> list[Saved]:
    return [Saved(units.folder / name, is_new)]


@pytest.mark.parametrize(
    ("name", "touched"),
    [
        ("functions/py.py", ["py"]),
        ("shared/words.py", ["py"]),
        ("functions/js.js", ["js"]),
        ("web/main.py", ["web"]),
        ("web/templates/new.html", ["web"]),
        ("web/notes/today.txt", []),
        ("README.md", []),
        ("tests/test_py.py", []),
    ],
)
def test_a_saved_file_touches_what_is_made_of_it(units: Units, name: str, touched: list[str]) -> None:
    assert [unit.name for unit in units.touched(saved(units, name))] == touched
    assert not units.plans(saved(units, name))
    assert not units.sites_touched(saved(units, name))


def test_a_new_file_may_be_one_that_is_imported_already(units: Units) -> None:
    assert {unit.name for unit in units.touched(saved(units, "shared/more.py", is_new=True))} == {"py", "js"}


def test_a_file_put_in_the_place_of_a_known_one_touches_only_what_knows_it(units: Units) -> None:
    assert [unit.name for unit in units.touched(saved(units, "functions/py.py", is_new=True))] == ["py"]


def test_a_file_of_a_site_touches_the_site_only(units: Units) -> None:
    found = saved(units, "page/style.css", is_new=True)
    assert [site.construct for site in units.sites_touched(found)] == ["Site/page"]
    assert units.touched(found) == []


@pytest.mark.parametrize(
    "name",
    ["infra.py", "names.py", "klotho.yaml", "web/Dockerfile", "web/.dockerignore", "requirements.txt", "package.json",
     "requirements-dev.txt", "uv.lock"],
)  # fmt: skip
def test_what_decides_about_the_infrastructure_is_deployed(units: Units, name: str) -> None:
    assert units.plans(saved(units, name))


def test_physical_names_and_kinds_are_those_deployed(units: Units) -> None:
    assert {(unit.name, unit.kind, unit.identifier) for unit in units.units} == {
        ("py", "function", "PyFunction"),
        ("js", "function", "JsFunction"),
        ("web", "container", "WebService"),
        ("far", "container", "FarFunction"),
    }


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", True),
        ("web/main.py", True),
        (".env", True),
        ("node_modules/x/index.js", False),
        ("web/.git/HEAD", False),
        ("__pycache__/a.pyc", False),
        ("compiled/klotho.yaml", False),
        ("a.py~", False),
        (".a.py.swp", False),
        (".#a.py", False),
        ("4913", False),
    ],
)
def test_what_is_no_source_is_left_out(tmp_path: Path, name: str, source: bool) -> None:
    assert is_source(tmp_path / name, [tmp_path]) is source


def test_a_folder_that_is_named_like_debris_above_the_program_does_not_matter(tmp_path: Path) -> None:
    assert is_source(tmp_path / "compiled" / "a.py", [tmp_path / "compiled"])
    assert not is_source(tmp_path / "other" / "a.py", [tmp_path / "compiled"])


def test_an_image_of_a_function_on_aws_is_deployed_and_not_swapped(tmp_path: Path) -> None:
    def unit(type_: Any) -> Unit:
        return Unit("Compute.Function/py", "function", "py", PackageAsset("Compute.Function/py", type_, {}))

    swap = LambdaSwap(cast("Clients", None), FunctionPackager(tmp_path, tmp_path / "cache", HOST), dict, lambda: ())
    assert swap.can(unit("zip"))
    assert not swap.can(unit("function-image"))


def test_new_code_of_a_container_on_lambda_is_deployed(units: Units) -> None:
    assert [unit.name for unit in units.units if unit.deployed] == ["far"]
    assert units.touched(saved(units, "far/main.py")) == []
    assert units.plans(saved(units, "far/main.py"))
    assert not units.plans(saved(units, "web/main.py"))


@pytest.mark.parametrize(
    ("name", "plans"),
    [
        ("Pets/Startup.cs", True),
        ("Pets/New.cs", True),
        ("Pets/Pets.csproj", True),
        ("Pets/appsettings.json", True),
        ("Pets/wwwroot/about.html", True),
        ("Pets/obj/Release/Pets.AssemblyInfo.cs", False),
        ("requests.json", False),
    ],
)
def test_what_a_project_is_built_of_is_compiled_again(pets: Units, name: str, plans: bool) -> None:
    assert pets.plans(saved(pets, name)) is plans
