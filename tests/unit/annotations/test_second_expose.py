"""A unit serves one application: a second `expose` in it is refused, with the place of the first one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.diagnostics import Report

GO = """package main

import "net/http"

func main() {
	// @klotho::expose { id = "one" }
	http.ListenAndServe(":8080", nil)
	// @klotho::expose { id = "two" }
	http.ListenAndServe(":8081", nil)
}
"""
PYTHON = """from fastapi import FastAPI

# @klotho::expose { id = "one" }
one = FastAPI()
# @klotho::expose { id = "two" }
two = FastAPI()
"""
CSHARP = """var app = WebApplication.Create(args);
// @klotho::expose { id = "one" }
app.Run();
// @klotho::expose { id = "two" }
app.Run();
"""
PROJECT = "<Project><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>"


@pytest.mark.parametrize(
    ("files", "first", "second"),
    [
        ({"main.go": GO, "go.mod": "module shop\n\ngo 1.22\n"}, "main.go:6", "main.go:8"),
        ({"main.py": PYTHON}, "main.py:3", "main.py:5"),
        ({"Program.cs": CSHARP, "Shop.csproj": PROJECT}, "Program.cs:2", "Program.cs:4"),
    ],
)
def test_both_places_are_shown(tmp_path: Path, files: Mapping[str, str], first: str, second: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    report = Report()
    compile_code(tmp_path, None, report)
    (told,) = report.errors
    assert (told.code, told.message) == (
        "annotation-unit",
        'the unit "main" serves one application, and this is another one',
    )
    assert [str(label.span) for label in told.labels] == [second, first]
    assert told.helps
