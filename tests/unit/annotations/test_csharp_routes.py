"""Routes of annotated C#: endpoints, controllers, templates, and the statement that `expose` stands on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.languages.csharp.templates import joined, paths_of
from klotho.diagnostics import render_text
from tests.unit.annotations.test_csharp import BEGIN, CONTROLLERS, EXPOSE, PROJECT, compiled, said


def routes(root: Path, files: Mapping[str, str]) -> list[str]:
    made, report = compiled(root, {"Shop.csproj": PROJECT, **files})
    assert render_text(report.diagnostics, root) == ""
    return made.units[0].routes["api"]


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("", ["/"]),
        ("/pets", ["/pets"]),
        ("~/pets/", ["/pets"]),
        ("pets/{id:int}", ["/pets/{id}"]),
        ("pets/{id?}", ["/pets", "/pets/{id}"]),
        ("pets/{id:int?}", ["/pets", "/pets/{id}"]),
        ("{kind=cat}/{number:int=3}", ["/", "/{kind}", "/{kind}/{number}"]),
        (r"zip/{code:regex(^\d{{5}}/x=$)}", ["/zip/{code}"]),
        ("files/{*path}", []),
        ("files/{**path}", []),
        ("{name}.{ending}", []),
        ("a{id}", []),
        ("{id", []),
        ("{}", []),
        ("{{a}}", []),
    ],
)
def test_templates_are_paths_where_an_api_can_say_them(template: str, paths: list[str]) -> None:
    assert paths_of(template) == paths


@pytest.mark.parametrize(
    ("templates", "whole"),
    [
        (("api/[controller]", "{id}"), "api/[controller]/{id}"),
        (("api", "/other"), "/other"),
        (("api", "~/other"), "/other"),
        ((None, "x"), "x"),
        (("api", None), "api"),
        (("api", ""), "api/"),
    ],
)
def test_a_template_stands_below_its_controllers_unless_it_begins_at_the_top(
    templates: tuple[str | None, ...], whole: str
) -> None:
    assert joined(*templates) == whole


def test_minimal_apis_have_the_routes_of_groups_and_of_methods_that_are_handed_them(tmp_path: Path) -> None:
    program = f"""{BEGIN}
app.MapGet("/", () => "home");
app.MapMethods(@"/either", new[] {{ "GET", "HEAD" }}, () => 1);
app.Map("/any", () => 1);
mapper.Map("Pet");
app.MapGet("/attributed", [ProducesResponseType<ProblemDetails>(400, "application/problem+json")]
    async (PetContext context) => await context.Pets.ToListAsync())
    .WithName("attributed");
var api = app.MapGroup("/api").WithTags("api");
var pets = api.MapGroup("pets/{{kind}}");
pets.MapGet("/", () => 1);
pets.MapPost("", () => 1).WithName("new");
PetEndpoints.Register(api.MapGroup("/v1"));
app.MapGroup("/v2").MapMore();
app.MapHealthChecks("/health");
app.MapGet($"/{{computed}}", () => 1);
{EXPOSE}"""
    more = """public static class PetEndpoints {
  public static void Register(RouteGroupBuilder group) => group.MapPatch("/{id:guid}", F);
  public static IEndpointRouteBuilder MapMore(this IEndpointRouteBuilder routes) {
    routes.MapDelete("x/{id}", F);
    return routes;
  }
  public static void MapNobody(this WebApplication other) { other.MapPut(\"""/lonely\""", F); }
}
"""
    found = routes(tmp_path, {"Program.cs": program, "PetEndpoints.cs": more})
    assert sorted(found) == [
        "ANY /any",
        "ANY /health",
        "DELETE /v2/x/{id}",
        "GET /",
        "GET /api/pets/{kind}",
        "GET /attributed",
        "GET /either",
        "HEAD /either",
        "PATCH /api/v1/{id}",
        "POST /api/pets/{kind}",
        "PUT /lonely",
    ]


def test_controllers_have_the_routes_of_their_attributes(tmp_path: Path) -> None:
    code = """namespace Shop.Controllers;
[ApiController]
[Route("api/[controller]")]
[Route("v2/pets")]
public class PetsController : ControllerBase {
  [HttpGet] public IActionResult Every() => Ok();
  [HttpGet("{id:int}"), HttpHead("{id:int}")] public async Task<IActionResult> OneAsync(int id) => Ok();
  [HttpPost("[action]")] public IActionResult Adopt() => Ok();
  [HttpPut, Route("named/{name}")] public IActionResult Named() => Ok();
  [AcceptVerbs("GET", "DELETE", Route = "~/far")] public IActionResult Far() => Ok();
  [HttpGet(template: "/absolute")] public IActionResult Absolute() => Ok();
  [HttpGet(Routes.Computed)] public IActionResult Computed() => Ok();
  [NonAction] public void Nothing() { }
  private IActionResult Hidden() => Ok();
}
[Route("base/[controller]/[action]")] public abstract class Base : ControllerBase {
  [HttpGet] public IActionResult Shared() => Ok();
}
public class OwnersController : Base { [HttpGet, ActionName("all")] public IActionResult List() => Ok(); }
[NonController] public class NotAController { [HttpGet("x")] public void X() { } }
public class Service { [HttpGet("y")] public void Y() { } }
"""
    assert sorted(routes(tmp_path, {"Program.cs": CONTROLLERS, "Controllers/Pets.cs": code})) == [
        "DELETE /far",
        "GET /absolute",
        "GET /api/Pets",
        "GET /api/Pets/{id}",
        "GET /base/Owners/Shared",
        "GET /base/Owners/all",
        "GET /far",
        "GET /v2/pets",
        "GET /v2/pets/{id}",
        "HEAD /api/Pets/{id}",
        "HEAD /v2/pets/{id}",
        "POST /api/Pets/Adopt",
        "POST /v2/pets/Adopt",
        "PUT /api/Pets/named/{name}",
        "PUT /v2/pets/named/{name}",
    ]


def test_controllers_without_templates_have_those_of_patterns(tmp_path: Path) -> None:
    program = f"""{BEGIN}
app.MapControllerRoute("areas", "{{area:exists}}/{{controller=Home}}/{{action=Index}}");
app.MapControllerRoute(name: "default", pattern: "{{controller=Home}}/{{action=Index}}/{{id?}}");
{EXPOSE}"""
    code = """public class HomeController : Controller { public IActionResult Index() => View(); }
[Area("Admin")] public class UsersController : Controller { [HttpPost] public IActionResult Save() => View(); }
"""
    assert sorted(routes(tmp_path, {"Program.cs": program, "Controllers.cs": code})) == [
        "ANY /",
        "ANY /Home",
        "ANY /Home/Index",
        "ANY /Home/Index/{id}",
        "POST /Admin/Users/Save",
        "POST /Users/Save",
        "POST /Users/Save/{id}",
    ]


def test_controllers_that_nothing_maps_have_no_routes(tmp_path: Path) -> None:
    code = '[Route("x")] public class XController : ControllerBase { [HttpGet] public void Get() { } }\n'
    assert routes(tmp_path, {"Program.cs": BEGIN + EXPOSE, "X.cs": code}) == []


@pytest.mark.parametrize(
    "statement",
    [
        "app.Run();",
        "await app.RunAsync();",
        "CreateHostBuilder(args).Build().Run();",
        "return builder.Build().RunAsync();",
        "app.UseEndpoints(endpoints => { });",
    ],
)
def test_it_stands_on_what_runs_the_application(tmp_path: Path, statement: str) -> None:
    code = f'class Program {{ static void F() {{\n// @klotho::expose {{ id = "api" }}\n{statement}\n}} }}\n'
    assert routes(tmp_path, {"Program.cs": code}) == []


def test_it_stands_on_main_where_that_is_one_expression_and_on_nothing_else(tmp_path: Path) -> None:
    main = 'class P {\n// @klotho::expose { id = "api" }\nstatic void Main() => Make().Build().Run();\n}\n'
    assert routes(tmp_path, {"Program.cs": main}) == []
    _, report = compiled(tmp_path, {"Program.cs": main.replace("Run()", "Walk()")})
    message = 'nothing came of `@klotho::expose` "api": its statement runs no application'
    assert said(report) == [("annotation-without-effect", "Program.cs:2", message)]
