"""Calls between units of Go: what is one, what stands there instead, and what is refused at its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import Compiled
from klotho.annotations.languages import by_suffix
from tests.unit.annotations.test_compiling import compiled, relations, told

MAIN = """package main

import (
	"context"
	"net/http"

	"example.com/pets/adoptions"
)

func use(ctx context.Context) {
	USE
}

func main() {
	use(context.Background())
	// @klotho::expose { id = "api" }
	http.ListenAndServe(":8080", nil)
}
"""
ADOPTIONS = """// @klotho::execution_unit { id = "adoptions" }
package adoptions

import (
	"context"
	"errors"
	"io"
)

const Most = 3

var ErrGone, Breeds = errors.New("gone"), []string{"dog"}
var count, Open = 0, map[string]int{}

type Pet struct{ Name string }
type Shelter struct{}
type Failed[T any] struct{}
type Lost struct{ Pet }
type Lister interface{ List() []string }
type Names func() []string

func (Failed[T]) Error() string { return "" }
func (*Lost) Error() string     { return "" }
func (Pet) Shown() string       { return "" }
func (pet Pet) Taken() bool     { return Open[pet.Name] > 0 }
func (*Shelter) Take(ctx context.Context, pet Pet) error { return nil }

func Adopt(ctx context.Context, pet *Pet, _ int, more ...string) (*Pet, error) {
	Open["x"]++; pet.Name = "y"
	return pet, nil
}
func Count(context.Context) (n int, _ error) { return count, nil }
func Close(_ context.Context) error { return nil }
func Get[T any](ctx context.Context, of T) (T, error) { return of, nil }
func New(name string) *Pet { return &Pet{name} }
func Silent(ctx context.Context) {}
func Read(ctx context.Context, from io.Reader) error { return nil }
func List(ctx context.Context) (Lister, Names, error) { return nil, nil, nil }
"""
GO_MOD = "module example.com/pets\n\ngo 1.22\n"


def files(use: str, **more: str) -> Mapping[str, str]:
    return {"go.mod": GO_MOD, "main.go": MAIN.replace("USE", use), "adoptions/adoptions.go": ADOPTIONS, **more}


CALLS = "_, _ = adoptions.Adopt(ctx, nil, 1); _ = adoptions.Close; n, _ := adoptions.Count(ctx); _ = n"


def test_functions_with_a_context_and_an_error_are_called_where_they_belong(tmp_path: Path) -> None:
    made, report = compiled(tmp_path, files(CALLS))
    assert not report.errors
    assert ("calls", "Compute.Function/main", "Compute.Function/adoptions") in relations(made)
    assert {page.name: page.calls for page in made.units}["main"] == [
        f"adoptions: adoptions/adoptions.go {name}" for name in ("Adopt", "Close", "Count")
    ]
    lines = made.files["main/adoptions/adoptions.go"].decode().splitlines()
    assert lines[1] == 'package adoptions; import klotho_unit "example.com/pets/klotho_unit"'
    elsewhere, place = "{ if klotho_unit.Elsewhere() { ", '"adoptions", "adoptions/adoptions.go"'
    assert [line for line in lines if "klotho_unit.Call" in line][:3] == [
        f"func Adopt(ctx context.Context, pet *Pet, klotho_given2 int, more ...string) "
        f"(klotho_result0 *Pet, klotho_result1 error) {elsewhere}"
        f'klotho_result1 = klotho_unit.Call(ctx, {place}, "Adopt", []interface{{}}{{&pet, &klotho_given2, &more}}, '
        "[]interface{}{&klotho_result0}); return };",
        f"func Count(klotho_given0 context.Context) (n int, klotho_result1 error) {elsewhere}"
        f'klotho_result1 = klotho_unit.Call(klotho_given0, {place}, "Count", []interface{{}}{{}}, '
        "[]interface{}{&n}); return }; return count, nil }",
        f"func Close(klotho_given0 context.Context) (klotho_result0 error) {elsewhere}"
        f'klotho_result0 = klotho_unit.Call(klotho_given0, {place}, "Close", []interface{{}}{{}}, '
        "[]interface{}{}); return }; return nil }",
    ]
    assert len(lines) == len(ADOPTIONS.splitlines())


def test_the_unit_that_owns_them_offers_them_and_tells_its_errors(tmp_path: Path) -> None:
    made, _ = compiled(tmp_path, files(CALLS))
    assert made.files["adoptions/adoptions/adoptions.go"] == ADOPTIONS.encode()
    assert made.files["adoptions/klotho_unit_main/main.go"].decode().splitlines()[-5:] == [
        '\t_ "example.com/pets/adoptions"',
        '\tklotho_unit "example.com/pets/klotho_unit"',
        ")",
        "",
        "func main() { klotho_unit.ServeCalls() }",
    ]
    told_of_errors = [
        '\tklotho_unit.KnowError("adoptions.ErrGone", ErrGone)',
        "\tklotho_unit.KnowErrorType((*Lost)(nil))",
        "}",
    ]
    offered = made.files["adoptions/adoptions/klotho_unit_offers.go"].decode().splitlines()
    assert (
        offered[-6:]
        == [f'\tklotho_unit.Offer("adoptions/adoptions.go", "{name}", {name})' for name in ("Adopt", "Close", "Count")]
        + told_of_errors
    )
    known = made.files["main/adoptions/klotho_unit_offers.go"].decode().splitlines()
    assert known[-4:] == ["func init() {", *told_of_errors]
    function = next(item for item in made.application.constructs if item.id == "Compute.Function/adoptions")
    assert function.properties["handler"] == "klotho_unit_main/main.main"


def test_what_is_the_same_in_each_unit_may_be_used(tmp_path: Path) -> None:
    use = "_ = adoptions.Pet{}.Shown(); var _ adoptions.Lost; _ = adoptions.Most; _ = adoptions.ErrGone"
    _, report = compiled(tmp_path, files(f"{use}; _ = adoptions.Breeds[0]; _ = adoptions.Close(ctx)"))
    assert not report.errors


REFUSED = {
    'adoptions.New("x")': "takes no context first",
    "adoptions.Silent(ctx)": "gives no error last",
    "adoptions.Get(ctx, 1)": "has type parameters",
    "_ = adoptions.Open": "is a variable",
    "var s adoptions.Shelter; s.Take(ctx, adoptions.Pet{})": "is a method",
    "_ = adoptions.Pet{}.Taken()": "is a method: it would run here, on what",
}


@pytest.mark.parametrize(("use", "why"), REFUSED.items(), ids=list(REFUSED.values()))
def test_what_can_not_be_called_is_an_error_at_its_line(tmp_path: Path, use: str, why: str) -> None:
    _, report = compiled(tmp_path, files(use))
    (found,) = report.errors
    assert (found.code, str(found.span)) == ("annotation-call", "main.go:11")
    assert 'belongs to the unit "adoptions" and ' + why in found.message


def test_what_can_not_be_sent_is_an_error_where_it_is_declared(tmp_path: Path) -> None:
    _, report = compiled(tmp_path, files("_ = adoptions.Read(ctx, nil); _, _, _ = adoptions.List(ctx)"))
    assert [(str(item.span), item.message.rpartition(", and ")[2]) for item in report.errors] == [
        ("adoptions/adoptions.go:37", "a `io.Reader` can't be sent to it"),
        ("adoptions/adoptions.go:38", "a `Lister` can't be sent back"),
        ("adoptions/adoptions.go:38", "a `Names` can't be sent back"),
    ]


def test_a_change_of_an_argument_is_warned_about_where_it_is_lost(tmp_path: Path) -> None:
    assert ("annotation-call", "adoptions/adoptions.go:29") in told(tmp_path, files(CALLS))


def test_files_of_one_package_can_be_units_and_its_main_then_answers_calls(tmp_path: Path) -> None:
    inside = ADOPTIONS.replace("package adoptions", "package main")
    use = "adopt := 1; _ = adopt; Adopt(ctx, nil, 1)"
    main = MAIN.replace("USE", use).replace('\n\n\t"example.com/pets/adoptions"', "")
    made, report = compiled(tmp_path, {"go.mod": GO_MOD, "main.go": main, "adopt.go": inside})
    assert not report.errors
    lines = made.files["adoptions/main.go"].decode().splitlines()
    assert "func main() { if klotho_unit.Elsewhere() { klotho_unit.ServeCalls() };" in lines
    assert "klotho_unit.Elsewhere()" not in made.files["main/main.go"].decode()
    assert {page.name: page.calls for page in made.units}["main"] == ["adoptions: adopt.go Adopt"]
    function = next(item for item in made.application.constructs if item.id == "Compute.Function/adoptions")
    assert function.properties["handler"] == "main.main"


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace("\n", "\r\n")], ids=["lf", "crlf"])
def test_units_are_programs_of_go_in_every_file(tmp_path: Path, change: object) -> None:
    assert callable(change)
    made, _ = compiled(tmp_path, {name: change(text) for name, text in files(CALLS).items()})
    language = by_suffix(".go")
    assert language is not None
    for name, content in made.files.items():
        assert not name.endswith(".go") or not language.tree(content).root_node.has_error, name


CMD = """package main

import (
	"context"

	"example.com/pets/adoptions"
	"example.com/pets/server"
)

func main() { adoptions.Close(context.Background()); server.Run() }
"""
SERVER = """package server

import "net/http"

func Run() {
	// @klotho::expose { id = "api" }
	http.ListenAndServe(":8080", nil)
}
"""


def handlers(made: Compiled) -> dict[str, object]:
    return {
        item.name: item.properties["handler"] for item in made.application.constructs if item.kind == "Compute.Function"
    }


def test_a_program_is_found_by_what_it_serves_wherever_that_stands(tmp_path: Path) -> None:
    given = {"go.mod": GO_MOD, "cmd/api/main.go": CMD, "server/server.go": SERVER, "cmd/old/main.go": "package main\n"}
    made, report = compiled(tmp_path, {**given, "adoptions/adoptions.go": ADOPTIONS})
    assert not report.errors
    assert handlers(made) == {"adoptions": "klotho_unit_main/main.main", "main": "cmd/api/main.main"}
    assert "main/cmd/old/main.go" not in made.files


def test_packages_of_a_unit_that_its_program_does_not_import_are_imported_beside_it(tmp_path: Path) -> None:
    more = '// @klotho::execution_unit { id = "adoptions" }\npackage main\n\nfunc main() {}\n'
    given = files("_ = adoptions.Close(ctx)", **{"cmd/jobs/main.go": more})
    made, report = compiled(tmp_path, given)
    assert not report.errors
    assert handlers(made)["adoptions"] == "cmd/jobs/main.main"
    imports = made.files["adoptions/cmd/jobs/klotho_unit_imports.go"].decode().splitlines()
    assert imports[-3:] == ["import (", '\t_ "example.com/pets/adoptions"', ")"]


def test_a_function_that_only_some_systems_have_can_not_be_called(tmp_path: Path) -> None:
    given = dict(files("_ = adoptions.Close(ctx)"))
    given["adoptions/adoptions.go"] = "//go:build linux\n\n" + ADOPTIONS
    _, report = compiled(tmp_path, given)
    assert [(item.code, str(item.span)) for item in report.errors] == [("annotation-call", "adoptions/adoptions.go:35")]
