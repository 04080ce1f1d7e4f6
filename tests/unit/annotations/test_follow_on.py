"""One mistake is told without the warnings that it brings about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.annotations.test_compiling import APP, EXPOSE, told

MOD = "module example.com/pets\n\ngo 1.22\n"
PACKAGE = 'package main\n\nimport "net/http"\n\nfunc main() {\n'
GO = f'{PACKAGE}\t// @klotho::expose {{ id = "pets-api" }}\n\thttp.ListenAndServe(":8080", nil)\n}}\n'
CONFIG = (
    '// @klotho::config {\n//   id = "policies"\n//   secret = true\n// }\n'
    'const fs = require("fs/promises");\nfs.readFile("policies.json");\n'
)
HEARS = (
    '// @klotho::execution_unit { id = "letters" }\nconst { EventEmitter } = require("node:events");\n'
    '// @klotho::pubsub { id = "pet-events" }\nconst events = make();\nevents.on("adopted", console.log);\n'
)


@pytest.mark.parametrize(
    ("files", "told_at"),
    [
        ({"go.mod": MOD, "main.go": GO.replace("expose", "expos")}, [("annotation-unknown", "main.go:6")]),
        ({"go.mod": MOD, "main.go": GO.replace('"pets-api"', '"pets api"')}, [("annotation-id", "main.go:6")]),
        (
            {"go.mod": MOD, "main.go": GO.replace('"pets-api" }', '"pets-api }')},
            [("annotation-syntax", "main.go:6")],
        ),
        (
            {"go.mod": MOD, "main.go": GO.replace("http.ListenAndServe(", "println(")},
            [("annotation-without-effect", "main.go:6")],
        ),
        (
            {"index.js": APP + EXPOSE.replace("expose", "expos"), "more.js": CONFIG},
            [("annotation-unknown", "index.js")],
        ),
        ({"index.js": APP + EXPOSE, "letters.js": HEARS}, [("annotation-without-effect", "letters.js:3")]),
    ],
)
def test_a_mistake_is_told_alone(tmp_path: Path, files: Mapping[str, str], told_at: list[tuple[str, str]]) -> None:
    found = told(tmp_path, files)
    assert [code for code, _ in found] == [code for code, _ in told_at]
    assert all(at.startswith(place) for (_, at), (_, place) in zip(found, told_at, strict=True))


def test_without_a_mistake_they_are_told(tmp_path: Path) -> None:
    files = {
        "index.js": APP + EXPOSE,
        "more.js": CONFIG,
        "letters.js": '// @klotho::execution_unit { id = "letters" }\n',
    }
    expected = [("annotation-without-effect", "letters.js:1"), ("annotation-without-effect", "more.js:1")]
    assert sorted(told(tmp_path, files)) == expected
