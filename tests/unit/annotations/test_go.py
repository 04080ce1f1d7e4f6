"""Annotated Go becomes an application: where it begins, what listens, its routes, and what is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.annotations.hosting import Hosting, Said
from klotho.annotations.programs import Programs
from klotho.annotations.reading import read_code_base
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import compiled, good, relations, told
from tests.unit.annotations.test_go_calls import GO_MOD
from tests.unit.annotations.test_unsupported import said

PETS = Path(__file__).parents[3] / "examples" / "annotated-pets-go"
EXPOSE = '// @klotho::expose { id = "api" }\n'
CHI, GIN = "github.com/go-chi/chi/v5", "github.com/gin-gonic/gin"


def program(body: str, *imports: str, more: str = "") -> str:
    named = "".join(f'\t"{path}"\n' for path in ("net/http", *imports))
    return f"package main\n\nimport (\n{named})\n\nfunc main() {{\n{body}}}\n{more}"


def files(main: str, **others: str) -> dict[str, str]:
    given = {f"{name}/{name}.go": text for name, text in others.items()}
    return {"go.mod": GO_MOD, "main.go": main, **given}


def routes(root: Path, given: dict[str, str]) -> list[str]:
    (unit,) = good(root, given).units
    return sorted(unit.routes["api"])


def test_the_pets_are_three_units_and_what_is_not_rewritten_is_the_same_bytes() -> None:
    report = Report()
    made = compile_code(PETS, None, report)
    assert report.diagnostics == []
    assert made.application.name == "annotated-pets"
    assert [unit.name for unit in made.units] == ["adoptions", "main", "pets"]
    for name in ("pets/pets.go", "catalogue/catalogue.go", "catalogue/pets.json", "go.mod", "go.sum"):
        assert made.files[f"pets/{name}"] == (PETS / name).read_bytes()
    for name in ("main.go", "adoptions/adoptions.go"):
        before, after = (PETS / name).read_bytes().splitlines(), made.files[f"pets/{name}"].splitlines()
        assert 0 < sum(one != other for one, other in zip(before, after, strict=False)) <= 4


def test_lines_and_their_endings_are_kept(tmp_path: Path) -> None:
    code = program(f'\t{EXPOSE}\thttp.ListenAndServe(":80", nil)\n').replace("\n", "\r\n")
    (tmp_path / "main.go").write_bytes(code.encode())
    (tmp_path / "other.go").write_bytes(b"package main\r\n\r\nvar  odd =1")
    made = good(tmp_path, {"go.mod": GO_MOD})
    assert made.files["main/other.go"] == b"package main\r\n\r\nvar  odd =1"
    after = made.files["main/main.go"].decode()
    assert after.split("\r\n")[8] == '\tklotho_unit.ListenAndServe(":80", nil)'
    assert after.endswith("}\r\n\nvar _ = http.ListenAndServe\n")


LISTENING = {
    '\thttp.ListenAndServe(":80", r)\n': 'klotho_unit.ListenAndServe(":80", r)',
    '\tlog.Fatal(http.ListenAndServe(":80", logged(r)))\n': 'log.Fatal(klotho_unit.ListenAndServe(":80", logged(r)))',
    '\tif err := http.ListenAndServe(":80", r); err != nil {\n\t\tpanic(err)\n\t}\n': "if err := klotho_unit.Listen",
    "\tserver.ListenAndServe()\n": "klotho_unit.Serve(server.Serve, server.Addr, &server.Handler)",
    "\terr := server.ListenAndServe()\n": "err := klotho_unit.Serve(server.Serve, server.Addr, &server.Handler)",
}


@pytest.mark.parametrize("statement", LISTENING)
def test_what_listens_is_told_to_the_unit_in_every_shape(tmp_path: Path, statement: str) -> None:
    made = '\tr := http.NewServeMux()\n\tserver := &http.Server{Addr: ":80", Handler: r}\n\tr.HandleFunc("/a", nil)\n'
    given = files(program(f"{made}\t{EXPOSE}{statement}", "log"))
    assert routes(tmp_path, given) == ["ANY /a"]
    assert LISTENING[statement] in good(tmp_path, given).files["main/main.go"].decode()


def test_gin_listens_by_run_also_where_another_package_makes_it(tmp_path: Path) -> None:
    web = f'package web\n\nimport "{GIN}"\n\nfunc New() *gin.Engine {{\n\tr := gin.Default()\n'
    web += '\tr.GET("/a/:id", nil)\n\treturn r\n}\n'
    main = program(f'\tr := web.New()\n\tr.POST("/b", nil)\n\t{EXPOSE}\tr.Run(":8080")\n', "example.com/pets/web")
    given = files(main, web=web)
    assert routes(tmp_path, given) == ["GET /a/{id}", "POST /b"]
    assert 'klotho_unit.Run(r, ":8080")' in good(tmp_path, given).files["main/main.go"].decode()


OF_HTTP = {
    'http.HandleFunc("/a", nil)': ["ANY /a"],
    'http.HandleFunc("GET /a/{id}", nil)': ["GET /a/{id}"],
    'http.HandleFunc("POST /{$}", nil)': ["POST /"],
    'http.Handle("GET /a/", nil)': ["GET /a"],
    'http.HandleFunc("GET /a/{rest...}", nil)': [],
    'http.HandleFunc("example.com/a", nil)': [],
    "http.HandleFunc(os.Args[1], nil)": [],
    'const base = "/v1"\n\thttp.HandleFunc("GET "+prefix+"/a", nil)': ["GET /v2/a"],
    'other := http.NewServeMux()\n\tother.HandleFunc("/x", nil)': [],
    'o := http.NewServeMux()\n\to.HandleFunc("/x", nil)\n\thttp.Handle("/o/", http.StripPrefix("/o", o))': ["ANY /o/x"],
    'o := http.NewServeMux()\n\to.HandleFunc("/o/x", nil)\n\thttp.Handle("/o/", logged(o))': ["ANY /o/x"],
}


@pytest.mark.parametrize("body", OF_HTTP)
def test_patterns_of_net_http_are_listed_where_an_api_can_say_them(tmp_path: Path, body: str) -> None:
    more = 'const prefix = "/v2"\n\nfunc logged(h http.Handler) http.Handler { return h }\n'
    given = files(program(f'\t{body}\n\t{EXPOSE}\thttp.ListenAndServe(":80", nil)\n', "os", more=more))
    assert routes(tmp_path, given) == OF_HTTP[body]


def test_before_go_1_22_a_pattern_is_a_path_and_nothing_else(tmp_path: Path) -> None:
    main = program(
        f'\thttp.HandleFunc("GET /a", nil)\n\thttp.HandleFunc("/b", nil)\n\t{EXPOSE}\thttp.ListenAndServe("", nil)\n'
    )
    given = {**files(main), "go.mod": "module example.com/pets\n\ngo 1.21\n"}
    assert routes(tmp_path, given) == ["ANY /b"]


OF_CHI = {
    'r.Get("/a/{id:[0-9]+}", h)': ["GET /a/{id}"],
    'r.Method(http.MethodPut, "/a", h)\n\tr.MethodFunc("POST", "/b", h)': ["POST /b", "PUT /a"],
    'r.Route("/a", func(in chi.Router) {\n\t\tin.Get("/", h)\n\t\tr.Get("/b", h)\n\t})': ["GET /a", "GET /b"],
    'r.Group(func(r chi.Router) {\n\t\tr.Use(nil)\n\t\tr.With(nil).Delete("/a", h)\n\t})': ["DELETE /a"],
    'sub := chi.NewRouter()\n\tsub.Handle("/x", h)\n\tr.Mount("/s", sub)': ["ANY /s/x"],
    'with := r.With(nil)\n\twith.Patch("/a", h)': ["PATCH /a"],
    "add(r, 1)": ["GET /added"],
    'r.Get("/files/*", h)': [],
    "s := &server{}\n\ts.router = r\n\ts.routes()": ["GET /s"],
}


@pytest.mark.parametrize("body", OF_CHI)
def test_routes_of_chi_are_found_through_groups_mounts_and_functions(tmp_path: Path, body: str) -> None:
    more = 'type server struct{ router chi.Router }\n\nfunc (s *server) routes() { s.router.Get("/s", h) }\n\n'
    more += 'func add(router chi.Router, n int) { router.Get("/added", h) }\n\n'
    more += "func h(http.ResponseWriter, *http.Request) {}\n"
    main = program(f'\tr := chi.NewRouter()\n\t{body}\n\t{EXPOSE}\thttp.ListenAndServe(":80", r)\n', CHI, more=more)
    assert routes(tmp_path, files(main)) == OF_CHI[body]


def test_a_program_may_hold_its_router_in_a_type_that_is_a_handler(tmp_path: Path) -> None:
    main = program(f'\ts := newServer()\n\t{EXPOSE}\thttp.ListenAndServe(":80", s)\n', CHI)
    web = f'package main\n\nimport (\n\t"net/http"\n\t"{CHI}"\n)\n\ntype server struct{{ r chi.Router }}\n\n'
    web += 'func newServer() *server {\n\ts := &server{r: chi.NewRouter()}\n\ts.r.Get("/a", nil)\n\treturn s\n}\n\n'
    web += "func (s *server) ServeHTTP(w http.ResponseWriter, q *http.Request) { s.r.ServeHTTP(w, q) }\n"
    assert routes(tmp_path, {**files(main), "web.go": web}) == ["GET /a"]


SERVERS = {
    "set later": ("server := &http.Server{}\n\tserver.Handler = r\n\t", "server"),
    "by value": ('server := http.Server{Addr: ":80", Handler: r}\n\t', "server"),
    "a field": ("app := &application{server: &http.Server{Handler: r}}\n\t", "app.server"),
    "within": ("app := &embedding{&http.Server{Handler: logged(r)}}\n\t", "app"),
}


@pytest.mark.parametrize("shape", SERVERS)
def test_what_a_server_serves_is_found_wherever_it_is_said(tmp_path: Path, shape: str) -> None:
    made, name = SERVERS[shape]
    more = "type application struct{ server *http.Server }\n\ntype embedding struct{ *http.Server }\n\n"
    more += "func logged(next http.Handler) http.Handler { return next }\n"
    body = f'\tr := http.NewServeMux()\n\tr.HandleFunc("/a", nil)\n\t{made}{EXPOSE}\t{name}.ListenAndServe()\n'
    given = files(program(body, more=more))
    assert routes(tmp_path, given) == ["ANY /a"]
    edited = f"\tklotho_unit.Serve({name}.Serve, {name}.Addr, &{name}.Handler)\n"
    assert edited in good(tmp_path, given).files["main/main.go"].decode()


def test_a_package_that_listens_belongs_to_the_unit_with_the_program_that_begins_it(tmp_path: Path) -> None:
    web = f'package web\n\nimport (\n\t"net/http"\n\t"{GIN}"\n)\n\nfunc Run() error {{\n\tr := gin.New()\n'
    web += '\tr.GET("/a", nil)\n\tserver := &http.Server{Handler: r.Handler()}\n'
    web += f"\t{EXPOSE}\treturn server.ListenAndServe()\n}}\n"
    main = 'package main\n\nimport "example.com/pets/web"\n\nfunc main() { web.Run() }\n'
    given = {"go.mod": GO_MOD, "web/web.go": web, "cmd/server/main.go": main, "cmd/other/main.go": "package main\n"}
    made = good(tmp_path, given)
    assert [(unit.files, unit.routes) for unit in made.units] == [
        (["cmd/server/main.go", "web/web.go"], {"api": ["GET /a"]})
    ]
    assert "main/cmd/other/main.go" not in made.files
    original = Programs(read_code_base(tmp_path, Report())).of_file("web/web.go")
    assert original is not None
    assert original.original.build[0][-1] == "./cmd/server"


def test_without_expose_a_program_begins_where_it_usually_does(tmp_path: Path) -> None:
    job = 'package jobs\n\nimport "context"\n\n// @klotho::persist { id = "jobs" }\nvar jobs = map[string]int{}\n'
    main = 'package main\n\nimport "example.com/pets/jobs"\n\nfunc main() { jobs.Run() }\n'
    given = {"go.mod": GO_MOD, "tool/tool.go": job.replace("package jobs", "package tool"), "main_test.go": main}
    made, _ = compiled(tmp_path, {**given, "cmd/pets/main.go": main, "jobs/jobs.go": f"{job}\nfunc Run() {{}}\n"})
    assert [(item.name, item.files) for item in made.units] == [("main", ["cmd/pets/main.go", "jobs/jobs.go"])]
    assert "main/main_test.go" not in made.files


NAMED = {
    "github.com/gorilla/mux": ("r := mux.NewRouter()", "gorilla/mux"),
    "github.com/labstack/echo/v4": ("r := echo.New()", "Echo"),
    "github.com/julienschmidt/httprouter": ("r := httprouter.New()", "httprouter"),
}


@pytest.mark.parametrize("path", NAMED)
def test_a_router_that_is_a_handler_gets_all_requests_and_that_is_said(tmp_path: Path, path: str) -> None:
    made, name = NAMED[path]
    main = program(f'\t{made}\n\t{EXPOSE}\thttp.ListenAndServe(":80", r)\n', path)
    _, report = compiled(tmp_path, files(main))
    assert not report.errors
    assert [item[2] for item in said(report)] == [
        f'the routes of {name} are not supported yet: the unit of `@klotho::expose` "api" gets all requests'
    ]


REFUSED = {
    ("github.com/labstack/echo/v4", 'e := echo.New()\n\tX\te.Start(":80")'): "Echo's own way to listen",
    ("github.com/gofiber/fiber/v2", 'app := fiber.New()\n\tX\tapp.Listen(":80")'): "Fiber",
    ("github.com/valyala/fasthttp", 'X\tfasthttp.ListenAndServe(":80", nil)'): "fasthttp",
    (
        "net",
        'X\thttp.ListenAndServeTLS(":443", "a", "b", nil)',
    ): '`http.ListenAndServeTLS` under `@klotho::expose` "api"',
}


@pytest.mark.parametrize(("path", "body"), REFUSED)
def test_what_listens_in_another_way_is_refused_by_its_name(tmp_path: Path, path: str, body: str) -> None:
    main = program(f"\t{body.replace('X', EXPOSE)}\n", path)
    _, report = compiled(tmp_path, files(main))
    line = main[: main.index(EXPOSE)].count("\n") + 1
    message = f"{REFUSED[path, body]} is not supported yet"
    assert [(item.code, str(item.span), item.message) for item in report.errors] == [
        ("annotation-not-yet", f"main.go:{line}", message)
    ]


def test_what_listens_to_nothing_and_what_is_no_code_is_told_at_its_line(tmp_path: Path) -> None:
    main = program(f"\t{EXPOSE}\tprintln(1)\n", more="func )\n")
    expected = {("source-syntax", "main.go:11"), ("annotation-without-effect", "main.go:8")}
    assert set(told(tmp_path, files(main))) == expected


def test_a_unit_that_is_to_stay_warm_is_called_by_a_schedule(tmp_path: Path) -> None:
    unit = "// @klotho::execution_unit {\n//   keep_warm = true\n// }\n"
    made = good(tmp_path, files(unit + program(f'\t{EXPOSE}\thttp.ListenAndServe(":80", nil)\n')))
    assert ("triggered_by", "Compute.Function/main", "Schedule/warm-main") in relations(made)


LISTEN = f'\t{EXPOSE}\thttp.ListenAndServe(":80", nil)\n'
UNBUILDABLE = {
    "no module": ("", program(LISTEN), ("annotation-unit", "main.go:8")),
    "a folder": (
        f"{GO_MOD}\nreplace (\n\ta.b/c v1.0.0 => ../c\n)\n",
        program(LISTEN),
        ("annotation-not-yet", "go.mod:6"),
    ),
    "code of C": (GO_MOD, program(LISTEN, "C"), ("annotation-not-yet", "main.go:5")),
}


@pytest.mark.parametrize("shape", UNBUILDABLE)
def test_what_can_not_be_built_as_a_unit_is_told_before_it_is_built(tmp_path: Path, shape: str) -> None:
    manifest, main, expected = UNBUILDABLE[shape]
    given = {"main.go": main, **({"go.mod": manifest} if manifest else {})}
    _, report = compiled(tmp_path, given)
    assert [(item.code, str(item.span)) for item in report.errors] == [expected]


def test_the_image_of_a_unit_has_its_program_and_its_assets_and_nothing_else(tmp_path: Path) -> None:
    embed = '/* @klotho::embed_assets {\n *   include = ["/data/*"]\n * }\n */\n'
    given = files(embed + program(LISTEN))
    compiled(tmp_path, {**given, "data/a b.txt": "x", "data/not.go": "package data\n"})
    made = compile_code(tmp_path, None, Report(), Hosting(default=Said("fargate")))
    final = made.files["main/Dockerfile"].decode().partition("\n\nFROM gcr.io/distroless/static")[2].splitlines()[1:]
    copies = ['COPY ["data/a b.txt", "data/a b.txt"]', 'COPY ["data/not.go", "data/not.go"]']
    assert final == ["WORKDIR /app", "COPY --from=build /unit /unit", *copies, 'CMD ["/unit"]']


def test_a_program_begins_in_whatever_file_has_its_main(tmp_path: Path) -> None:
    made = good(tmp_path, {"go.mod": GO_MOD, "cmd/api/server.go": program(LISTEN)})
    (function,) = [item for item in made.application.constructs if item.kind == "Compute.Function"]
    assert function.properties["handler"] == "cmd/api/server.main"
