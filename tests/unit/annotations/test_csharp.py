"""Annotated C#: projects as units, images, and what is refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled, compile_code
from klotho.annotations.hosting import Hosting, Said
from klotho.diagnostics import ProgramError, Report, Severity, Span, render_text
from klotho.driver.build import build
from klotho.driver.program import find_program
from tests.conftest import CompareGolden

EXAMPLE = Path(__file__).parents[3] / "examples" / "annotated-pets-csharp"
PROJECT = """<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup>
</Project>
"""
EXPOSE = '// @klotho::expose { id = "api" }\napp.Run();\n'
BEGIN = "var app = WebApplication.CreateBuilder(args).Build();\n"
CONTROLLERS = f"{BEGIN}app.MapControllers();\n{EXPOSE}"


def compiled(root: Path, files: Mapping[str, str], hosting: Hosting | None = None) -> tuple[Compiled, Report]:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    report = Report()
    return compile_code(root, None, report, hosting or Hosting()), report


def said(report: Report) -> list[tuple[str, str, str]]:
    """What is wrong; where nothing is, also what else is told."""
    found = report.errors or report.diagnostics
    return [(item.code, str(item.span), item.message) for item in found]


def test_images_are_built_by_the_sdk_of_the_target_framework_and_run_without_root(golden: CompareGolden) -> None:
    report = Report()
    made = compile_code(EXAMPLE, None, report)
    assert report.diagnostics == []
    shown = [
        f"== {path}\n{content.decode()}"
        for path, content in sorted(made.files.items())
        if path.endswith(("Dockerfile", ".dockerignore"))
    ]
    shown.append("== files\n" + "\n".join(sorted(made.files)))
    golden(Path(__file__).parents[2] / "golden" / "images" / "annotated-pets-csharp.txt", "\n".join(shown))


def test_code_is_copied_byte_for_byte_with_what_builds_it(tmp_path: Path) -> None:
    files = {
        "src/Shop/Shop.csproj": PROJECT.replace(
            "</Project>", '<ItemGroup><Compile Include="..\\Linked.cs" /></ItemGroup>\n</Project>'
        ),
        "src/Shop/Program.cs": CONTROLLERS,
        "src/Shop/Views/Home.cshtml": "@Model",
        "src/Shop/wwwroot/.well-known/x": "x",
        "src/Shop/wwwroot/lib/bin/y.js": "y",
        "src/Shop/bin/z.dll": "z",
        "src/Shop/obj/z.json": "z",
        "src/Shop/.vs/z": "z",
        "src/Linked.cs": "class Linked { }",
        "src/Other.cs": "class Other { }",
        "Directory.Build.props": "<Project><PropertyGroup><Nullable>enable</Nullable></PropertyGroup></Project>",
        "global.json": '{"sdk": {"version": "8.0.100"}, "msbuild-sdks": {"A": "1"}}',
        "klotho.yaml": "app: shop\n",
    }
    made, report = compiled(tmp_path, files)
    assert render_text(report.diagnostics, tmp_path) == ""
    kept = {name.removeprefix("main/"): content.decode() for name, content in made.files.items()}
    left = [name for name in files if name not in kept]
    assert left == ["src/Shop/bin/z.dll", "src/Shop/obj/z.json", "src/Shop/.vs/z", "src/Other.cs", "klotho.yaml"]
    assert {name: kept[name] for name in files if name in kept and name != "global.json"} == {
        name: text for name, text in files.items() if name not in left and name != "global.json"
    }
    # The image has one SDK of that version, whichever of them this machine is to use.
    assert kept["global.json"] == '{"msbuild-sdks": {"A": "1"}}'
    assert made.application.name == "Shop"


def test_a_unit_is_a_container_on_lambda_unless_it_is_told_to_run_elsewhere(tmp_path: Path) -> None:
    files = {"Shop.csproj": PROJECT, "Program.cs": CONTROLLERS}
    pinned = {}
    for said_ in (None, Said("lambda", Span("klotho.yaml", 2)), Said("fargate", Span("klotho.yaml", 2))):
        made, report = compiled(tmp_path, files, Hosting({"main": said_} if said_ else {}))
        (pin,) = [item.target for item in made.application.directives]
        pinned[said_.type if said_ else None] = (pin, [item.code for item in report.diagnostics])
        assert report.errors == []
        assert [item.kind for item in made.application.constructs] == ["Compute.Container", "API"]
    assert pinned == {
        None: ("lambda-container", []),
        "lambda": ("lambda-container", ["annotation-host"]),
        "fargate": ("fargate", []),
    }


def test_a_default_of_lambda_is_said_to_be_a_container_once(tmp_path: Path) -> None:
    report, hosting = Report(), Hosting(default=Said("lambda", Span("klotho.yaml", 1)))
    made = compile_code(EXAMPLE, None, report, hosting)
    assert [item.target for item in made.application.directives] == ["lambda-container", "lambda-container"]
    (told,) = report.diagnostics
    assert told.severity is Severity.INFO
    assert (str(told.span), told.message) == ("klotho.yaml:1", "what is written in C# runs on Lambda in a container")


def test_files_for_browsers_are_published_from_code_of_this_language_too(tmp_path: Path) -> None:
    site = '/* @klotho::static_unit {\n *   id = "site"\n *   static_files = ["/pages/**"]\n * } */\n'
    files = {"Shop/Shop.csproj": PROJECT, "Shop/Program.cs": site + CONTROLLERS, "pages/index.html": "<h1>Shop</h1>"}
    made, report = compiled(tmp_path, files)
    assert report.diagnostics == []
    assert made.files["site/index.html"] == b"<h1>Shop</h1>"
    assert "main/pages/index.html" not in made.files


def test_two_projects_are_two_units_behind_two_apis(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("compiled", "bin", "obj"))
    report = Report()
    made = compile_code(tmp_path, None, report)
    assert report.diagnostics == []
    assert {(unit.name, *unit.routes) for unit in made.units} == {("main", "pets-api"), ("names", "names-api")}
    served = [item for item in made.application.relationships if item.properties.get("route") == "/"]
    assert {(item.actor, item.target) for item in served} == {
        ("API/pets-api", "Compute.Container/main"),
        ("API/names-api", "Compute.Container/names"),
    }
    assert "main/Names/Program.cs" not in made.files


NAMES = '// @klotho::execution_unit { id = "far" }\nclass Far { }\n'


def test_calls_between_units_are_refused_by_name(tmp_path: Path) -> None:
    reference = '<ItemGroup><ProjectReference Include="..\\Far\\Far.csproj" /></ItemGroup>\n</Project>'
    files = {
        "Shop/Shop.csproj": PROJECT.replace("</Project>", reference),
        "Shop/Program.cs": CONTROLLERS,
        "Far/Far.csproj": PROJECT,
        "Far/Far.cs": NAMES,
    }
    _, report = compiled(tmp_path, files)
    (problem,) = report.errors
    assert (problem.code, str(problem.span)) == ("annotation-not-yet", "Far/Far.cs:1")
    assert problem.message == 'the unit "main" uses the project `Far/Far.csproj`, which is the unit "far"'
    assert problem.notes == ("calls between units of C# are not supported yet",)


def test_all_of_a_project_is_of_the_unit_of_one_of_its_files(tmp_path: Path) -> None:
    files = {
        "Shop/Shop.csproj": PROJECT,
        "Shop/Program.cs": '// @klotho::execution_unit { id = "shop" }\nMake().Run();\n',
        "Shop/Startup.cs": CONTROLLERS,
        "Shop/Other.cs": "class Other { }",
    }
    made, report = compiled(tmp_path, files)
    assert report.diagnostics == []
    assert [(unit.name, unit.files) for unit in made.units] == [
        ("shop", ["Shop/Other.cs", "Shop/Program.cs", "Shop/Startup.cs"])
    ]


def test_a_project_is_one_unit(tmp_path: Path) -> None:
    files = {"Shop.csproj": PROJECT, "Program.cs": CONTROLLERS, "Far.cs": NAMES, "Off.cs": NAMES.replace("far", "off")}
    _, report = compiled(tmp_path, files)
    message = "`Off.cs` and `Far.cs` are of one project, which belongs to one execution unit"
    assert said(report)[0] == ("annotation-unit", "Off.cs:1", message)


@pytest.mark.parametrize(
    ("properties", "forms"),
    [
        ("<PublishAot>true</PublishAot>", " -p:PublishAot=false"),
        ("<PublishAot>false</PublishAot>", ""),
        (
            "<RuntimeIdentifier>linux-x64</RuntimeIdentifier><PublishSingleFile>true</PublishSingleFile>",
            " -p:RuntimeIdentifier=linux-x64 -p:SelfContained=false -p:PublishSingleFile=false",
        ),
        ("<RuntimeIdentifier>win-x64</RuntimeIdentifier>", " -p:RuntimeIdentifier= -p:SelfContained=false"),
    ],
)
def test_a_project_that_asks_for_a_program_of_its_own_is_published_for_the_image_all_the_same(
    tmp_path: Path, properties: str, forms: str
) -> None:
    project = PROJECT.replace("<TargetF", f"{properties}<TargetF")
    made, _ = compiled(tmp_path, {"Shop.csproj": project, "Program.cs": CONTROLLERS})
    lines = made.files["main/Dockerfile"].decode().splitlines()
    assert [line for line in lines if line.startswith("RUN")] == [
        f"RUN dotnet restore Shop.csproj{forms}",
        f"RUN dotnet publish Shop.csproj --no-restore -c Release -o /app -p:UseAppHost=false{forms}",
    ]


def test_a_dockerfile_of_the_users_own_builds_the_unit(tmp_path: Path) -> None:
    own = '# @klotho::execution_unit { id = "main" }\nFROM mcr.microsoft.com/dotnet/aspnet:8.0\n'
    made, report = compiled(tmp_path, {"Shop.csproj": PROJECT, "Program.cs": CONTROLLERS, "Dockerfile": own})
    assert report.diagnostics == []
    assert made.files["main/Dockerfile"].decode() == own


def test_a_unit_is_one_project(tmp_path: Path) -> None:
    files = {
        "A/A.csproj": PROJECT,
        "A/Program.cs": CONTROLLERS,
        "B/B.csproj": PROJECT,
        "B/Program.cs": CONTROLLERS.replace('"api"', '"other"'),
    }
    _, report = compiled(tmp_path, files)
    message = 'the unit "main" begins in two projects: in `A/Program.cs` and in `B/Program.cs`'
    assert said(report) == [("annotation-project", "B/Program.cs:3", message)]


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("<Project />", "`Shop.csproj` says no target framework that a unit can be built for"),
        ("<Project", "`Shop.csproj` is no XML"),
        (PROJECT.replace("net8.0", "net48"), "the target framework `net48` of `Shop.csproj` is not supported"),
        (PROJECT.replace("net8.0", "netcoreapp2.1"), "the target framework `netcoreapp2.1` of `Shop.csproj` is not"),
        (
            PROJECT.replace("TargetFramework>", "TargetFrameworks>").replace("net8.0", "net6.0;net8.0"),
            "the target framework `net6.0;net8.0` of `Shop.csproj` is not supported",
        ),
        (
            PROJECT.replace("</Project>", '<ItemGroup><Compile Include="../*/*.cs" /></ItemGroup></Project>'),
            "`Shop.csproj` takes `../*/*.cs`, which is no file here",
        ),
        (
            PROJECT.replace("</Project>", '<ItemGroup><ProjectReference Include="F/F.fsproj" /></ItemGroup></Project>'),
            "`Shop.csproj` takes `F/F.fsproj`, which is no project of C# here",
        ),
    ],
)
def test_a_project_that_no_image_can_be_built_of_is_refused_at_its_file(
    tmp_path: Path, project: str, message: str
) -> None:
    _, report = compiled(tmp_path, {"Shop.csproj": project, "Program.cs": CONTROLLERS, "F/F.fsproj": "<Project/>"})
    assert report.errors[0].code == "annotation-project"
    assert report.errors[0].message.startswith(message)
    assert report.errors[0].span is not None
    assert report.errors[0].span.file == "Shop.csproj"


def test_a_file_of_no_project_and_one_of_two_are_refused(tmp_path: Path) -> None:
    _, report = compiled(tmp_path, {"Program.cs": CONTROLLERS})
    assert said(report)[0][:2] == ("annotation-project", "Program.cs:3")
    assert "no `.csproj` is in the folder of `Program.cs` or above it" in report.errors[0].message
    _, report = compiled(tmp_path, {"Program.cs": CONTROLLERS, "A.csproj": PROJECT, "B.csproj": PROJECT})
    assert "`A.csproj` and `B.csproj` are in one folder" in report.errors[0].message


@pytest.mark.parametrize(
    ("project", "place", "message"),
    [
        (None, "Program.cs:3", "no `.csproj` is in the folder of `Program.cs` or above it, so that it can't be built"),
        (PROJECT.replace("net8.0", "net48"), "Shop.csproj:2", "the target framework `net48` of `Shop.csproj` is not"),
        ("<Project", "Shop.csproj:1", "`Shop.csproj` is no XML"),
    ],
)
def test_a_mistake_of_a_project_is_the_only_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str | None, place: str, message: str
) -> None:
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    folder = tmp_path / "shop"
    compiled(folder, {"Program.cs": CONTROLLERS, **({"Shop.csproj": project} if project is not None else {})})
    with pytest.raises(ProgramError) as raised:
        build(find_program(folder), None)
    (error,) = [item for item in raised.value.diagnostics if item.severity is Severity.ERROR]
    assert (error.code, str(error.span), len(error.helps)) == ("annotation-project", place, 1)
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (CONTROLLERS.replace("Run();", "Run()"), 4),
        (f"{BEGIN}app.MapControllers()\n{EXPOSE}", 4),
        (f"class P {{\nstatic void Main() {{\n{EXPOSE.replace('Run();', 'Run()')}}}\n}}\n", 4),
    ],
)
def test_a_statement_that_is_no_code_is_the_only_mistake_and_an_error(tmp_path: Path, code: str, line: int) -> None:
    _, report = compiled(tmp_path, {"Shop.csproj": PROJECT, "Program.cs": code})
    (told,) = [item for item in report.diagnostics if item.span is not None]
    message = 'this is no valid C#, and `@klotho::expose` "api" stands on it'
    assert (told.severity, told.code, str(told.span)) == (Severity.ERROR, "source-syntax", f"Program.cs:{line}")
    assert (told.message, str(told.labels[1].span)) == (message, "Program.cs:3")
    assert "`;`" in told.helps[0]


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ('persist { id = "x" }', "`@klotho::persist` in C# is not supported yet"),
        ('pubsub { id = "x" }', "`@klotho::pubsub` in C# is not supported yet"),
        ('config { id = "x" }', "`@klotho::config` in C# is not supported yet"),
        (
            "execution_unit { keep_warm = true }",
            "`keep_warm` of `@klotho::execution_unit` in C# is not supported yet",
        ),
        (
            "execution_unit { all_units = true }",
            "`all_units` of `@klotho::execution_unit` in C# is not supported yet",
        ),
        (
            'persist {\n//  id = "x"\n//  [environment_variables]\n//  URL = "orm.connection_string"\n// }',
            "`@klotho::persist` in C# is not supported yet",
        ),
    ],
)
def test_other_capabilities_are_refused_by_name(tmp_path: Path, annotation: str, message: str) -> None:
    code = f"// @klotho::{annotation}\nvar pets = new Dictionary<string, Pet>();\n{CONTROLLERS}"
    _, report = compiled(tmp_path, {"Shop.csproj": PROJECT, "Program.cs": code})
    assert said(report) == [("annotation-not-yet", "Program.cs:1", message)]
    assert all(item.helps for item in report.errors)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('app.MapHub<Chat>("/chat");', "`MapHub` of SignalR"),
        ("app.MapBlazorHub();", "`MapBlazorHub` of Blazor Server"),
        ("app.MapGrpcService<Greeter>();", "`MapGrpcService` of gRPC"),
        ("app.UseWebSockets();", "`UseWebSockets` of WebSockets"),
        ("builder.Services.AddAWSLambdaHosting(x);", "`AddAWSLambdaHosting` of Amazon.Lambda.AspNetCoreServer"),
    ],
)
def test_what_an_api_does_not_carry_is_refused_at_its_line(tmp_path: Path, call: str, name: str) -> None:
    _, report = compiled(tmp_path, {"Shop.csproj": PROJECT, "Program.cs": f"{BEGIN}{call}\n{EXPOSE}"})
    assert said(report) == [("annotation-not-yet", "Program.cs:2", f"{name} is not supported yet")]
    assert all(item.helps for item in report.errors)


@pytest.mark.parametrize(
    "call",
    [
        'builder.WebHost.UseUrls("http://*:5000");',
        'app.Urls.Add("http://*:5000");',
        "builder.WebHost.ConfigureKestrel(options => options.ListenAnyIP(5000));",
        'app.Run("http://localhost:5000");',
    ],
)
def test_an_address_in_the_code_is_refused_unless_it_is_made_of_port(tmp_path: Path, call: str) -> None:
    files = {"Shop.csproj": PROJECT, "Program.cs": f"{BEGIN}{call}\n{EXPOSE}"}
    _, report = compiled(tmp_path, files)
    assert [item[:2] for item in said(report)] == [("annotation-address", "Program.cs:2")]
    reads = 'var port = Environment.GetEnvironmentVariable("PORT");\n'
    _, report = compiled(tmp_path, {**files, "Program.cs": reads + files["Program.cs"]})
    assert report.diagnostics == []


@pytest.mark.parametrize(
    "call",
    [
        'bus.Listen("orders");',
        "builder.WebHost.ConfigureKestrel(options => options.Limits.MaxRequestBodySize = 1);",
        'runner.Run("migrate");',
        "app.Urls.Clear();",
    ],
)
def test_what_only_sounds_like_an_address_is_none(tmp_path: Path, call: str) -> None:
    _, report = compiled(tmp_path, {"Shop.csproj": PROJECT, "Program.cs": f"{BEGIN}{call}\n{EXPOSE}"})
    assert report.diagnostics == []


def test_an_address_in_the_settings_is_refused_but_not_limits(tmp_path: Path) -> None:
    files = {"Shop.csproj": PROJECT, "Program.cs": CONTROLLERS}
    for settings in ('{\n"Urls": "http://*:1"}', '{\n"Kestrel": {"Endpoints": {"Http": {"Url": "http://*:1"}}}}'):
        _, report = compiled(tmp_path, {**files, "appsettings.json": settings})
        assert [item[:2] for item in said(report)] == [("annotation-address", "appsettings.json:2")]
    _, report = compiled(tmp_path, {**files, "appsettings.json": '{"Kestrel": {"Limits": {"MaxRequestBodySize": 1}}}'})
    assert report.diagnostics == []


def test_routes_of_a_framework_of_its_own_are_not_listed_and_a_warning_says_so(tmp_path: Path) -> None:
    code = f"using FastEndpoints;\n{BEGIN}app.UseFastEndpoints();\n{EXPOSE}"
    made, report = compiled(tmp_path, {"Shop.csproj": PROJECT, "Program.cs": code})
    message = 'the routes of FastEndpoints are not supported yet: the unit of `@klotho::expose` "api" gets all requests'
    assert said(report) == [("annotation-without-effect", "Program.cs:4", message)]
    assert [item.properties for item in made.application.relationships] == [{"route": "/"}]
