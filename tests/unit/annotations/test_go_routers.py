"""Routers and handlers of Go that another unit owns move with their routes; what can't be told apart is refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import compiled, good
from tests.unit.annotations.test_go_calls import GO_MOD
from tests.unit.annotations.test_grammar import mutated
from tests.unit.annotations.test_routers import attached

UNIT = '// @klotho::execution_unit { id = "pets" }\npackage pets\n\n'


def main(imports: str, body: str, handler: str = "r") -> str:
    named = "\n".join(f'\t"{path}"' for path in ("net/http", "example.com/pets/pets", *imports.split()))
    listen = f'// @klotho::expose {{ id = "api" }}\n\thttp.ListenAndServe(":8080", {handler})\n'
    return f"package main\n\nimport (\n{named}\n)\n\nfunc main() {{\n{body}\n\t{listen}}}\n"


def files(application: str, router: str) -> dict[str, str]:
    return {"go.mod": GO_MOD, "main.go": application, "pets/pets.go": UNIT + router}


CHI, GIN = "github.com/go-chi/chi/v5", "github.com/gin-gonic/gin"
WITH_HTTP = 'import "net/http"\n\n'
WITH_CHI = f'import (\n"net/http"\n"{CHI}"\n)\n\n'
HANDLER = "func one(w http.ResponseWriter, r *http.Request) {}\n"
ROOT = 'r.Get("/", func(w http.ResponseWriter, r *http.Request) {})'
MUX = 'r := http.NewServeMux()\nr.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {})'

MOVED = {
    "chi-mount": files(
        main(CHI, f'r := chi.NewRouter()\n{ROOT}\nr.Mount("/pets", pets.Router())'),
        WITH_CHI + 'func Router() chi.Router {\nr := chi.NewRouter()\nr.Get("/{id}", one)\nreturn r\n}\n' + HANDLER,
    ),
    "chi-route": files(
        main(CHI, f'r := chi.NewRouter()\n{ROOT}\nr.Route("/pets", pets.Routes)'),
        WITH_CHI + 'func Routes(r chi.Router) {\nr.Use(nil)\nr.Get("/{id}", one)\n}\n' + HANDLER,
    ),
    "chi-method": files(
        main(CHI, f'r := chi.NewRouter()\n{ROOT}\nh := pets.New(1)\nr.Mount("/pets", h.Routes())'),
        WITH_CHI
        + "type Pets struct{ n int }\nfunc New(n int) *Pets { return &Pets{n} }\n"
        + 'func (p *Pets) Routes() http.Handler {\nr := chi.NewRouter()\nr.Get("/{id}", one)\nreturn r\n}\n'
        + HANDLER,
    ),
    "gin-group": files(
        main(GIN, 'r := gin.Default()\nr.GET("/", func(c *gin.Context) {})\npets.Register(r.Group("/pets"))'),
        f'import "{GIN}"\n\nfunc Register(g *gin.RouterGroup) {{\ng.Use(nil)\ng.GET("/:id", one)\n}}\n'
        "func one(c *gin.Context) {}\n",
    ),
    "mux-register": files(
        main("", f"{MUX}\nif err := pets.Register(r); err != nil {{ panic(err) }}"),
        WITH_HTTP
        + 'func Register(m *http.ServeMux) error {\nm.HandleFunc("GET /pets/{id}", one)\nreturn nil\n}\n'
        + HANDLER,
    ),
    "mux-stripped": files(
        main("", f'{MUX}\nr.Handle("/pets/", http.StripPrefix("/pets", pets.Router()))'),
        WITH_HTTP
        + "func Router() *http.ServeMux {\nm := http.NewServeMux()\n"
        + 'm.HandleFunc("GET /{id}", one)\nreturn m\n}\n'
        + HANDLER,
    ),
}
"""All of them serve `GET /pets/{id}` in the unit pets."""
EMPTY = {
    "chi-mount": "return chi.NewRouter() }",
    "chi-route": "return };",
    "gin-group": "return };",
    "mux-register": "return nil };",
    "mux-stripped": "return http.NewServeMux() };",
}


@pytest.mark.parametrize("shape", MOVED)
def test_a_router_of_another_unit_moves_with_its_routes(tmp_path: Path, shape: str) -> None:
    made = good(tmp_path, MOVED[shape])
    claimed = "/pets/{id}" if shape == "mux-register" else "/pets"
    assert attached(made) == {("/", "main"), (claimed, "pets")}
    application, pets = made.units
    assert (application.routes, pets.routes) == ({"api": ["GET /"]}, {"api": ["GET /pets/{id}"]})
    assert "main.go" in pets.files, "what stands before and after the router holds there, too"
    assert made.files["pets/pets/pets.go"] == MOVED[shape]["pets/pets.go"].encode()
    elsewhere = made.files["main/pets/pets.go"].decode()
    assert elsewhere.count("klotho_unit.Elsewhere()") == (shape in EMPTY)
    assert EMPTY.get(shape, "") in elsewhere
    assert f'\t{{"{claimed}", "pets"}},' in made.files["main/klotho_unit/unit.go"].decode().splitlines()


DIRECT = {
    "function": ("pets.One", "func One(w http.ResponseWriter, r *http.Request) {}\n"),
    "method": ("pets.New(1).One", "func (p *Pets) One(w http.ResponseWriter, r *http.Request) {}\n"),
    "made": ("pets.One(1)", "func One(n int) http.HandlerFunc { return nil }\n"),
    "variable": ("pets.One", "var One = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})\n"),
    "wrapped": ("logged(pets.One)", "func One(w http.ResponseWriter, r *http.Request) {}\n"),
}


@pytest.mark.parametrize("shape", DIRECT)
def test_a_handler_of_another_unit_moves_with_its_route(tmp_path: Path, shape: str) -> None:
    given, handler = DIRECT[shape]
    body = f'{MUX}\nr.HandleFunc("GET /pets/{{id}}", {given})'
    logged = "func logged(next http.HandlerFunc) http.HandlerFunc { return next }\n"
    of_pets = "type Pets struct{ n int }\nfunc New(n int) *Pets { return &Pets{n} }\n"
    made = good(tmp_path, files(main("", body) + logged, WITH_HTTP + of_pets + handler))
    assert attached(made) == {("/", "main"), ("/pets/{id}", "pets")}
    assert b"Elsewhere" not in made.files["main/pets/pets.go"]


def test_all_of_a_path_is_served_by_the_unit_that_a_part_of_it_belongs_to(tmp_path: Path) -> None:
    """It has the application, and with it what the application's own file does there."""
    body = 'r := http.NewServeMux()\nr.HandleFunc("GET /pets", mine)\nr.HandleFunc("POST /pets", pets.Add)'
    mine = "func mine(w http.ResponseWriter, r *http.Request) {}\n"
    added = WITH_HTTP + "func Add(w http.ResponseWriter, r *http.Request) {}\n"
    assert attached(good(tmp_path, files(main("", body) + mine, added))) == {("/", "main"), ("/pets", "pets")}


REFUSED = {
    "a prefix that can't be read": ("r.Mount(os.Args[1], pets.Router())", "", "annotation-router"),
    "a router without a prefix that does more": ('r.Mount("/", pets.Router())', "r.NotFound(nil)", "annotation-router"),
    "what is done to all of the application": ("pets.Register(r)", "", "annotation-router"),
    "a middleware": ('r.With(pets.Wrapped).Get("/", nil)', "", "annotation-call"),
    "a middleware of a handler": ('r.Handle("/x", pets.Wrapped(nil))', "", "annotation-call"),
    "what makes no router": ("_ = pets.Other()", "", "annotation-call"),
}


@pytest.mark.parametrize("shape", REFUSED)
def test_what_can_not_be_told_apart_is_refused_where_it_is_mounted(tmp_path: Path, shape: str) -> None:
    mounted, more, code = REFUSED[shape]
    router = (
        WITH_CHI
        + f'func Router() chi.Router {{\nr := chi.NewRouter()\nr.Get("/{{id}}", one)\n{more}\nreturn r\n}}\n'
        + 'func Register(r chi.Router) {\nr.Use(nil)\nr.Get("/pets", one)\n}\nfunc Other() int { return 1 }\n'
        + "func Wrapped(next http.Handler) http.Handler { return next }\n"
        + HANDLER
    )
    application = main(f"{CHI} os", f"r := chi.NewRouter()\n{mounted}")
    _, report = compiled(tmp_path, files(application, router))
    line = application[: application.index(mounted)].count("\n") + 1
    assert [(item.code, str(item.span)) for item in report.errors] == [(code, f"main.go:{line}")]


@pytest.mark.parametrize("shape", MOVED)
def test_mutated_routers_never_give_a_traceback(tmp_path: Path, shape: str) -> None:
    chance, given = random.Random(shape), MOVED[shape]
    compiled(tmp_path, given)
    for _ in range(20):
        name = chance.choice([name for name in given if name.endswith(".go")])
        (tmp_path / name).write_bytes(mutated(given[name], chance).encode("utf-8", "surrogatepass"))
        compile_code(tmp_path, None, Report())
        (tmp_path / name).write_text(given[name], encoding="utf-8")
