"""The grammar of annotations: what is read, where it stands, and everything that is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.annotations.memory import Memory
from klotho.annotations.model import Source, Text
from klotho.annotations.reading import read_code_base, read_source
from klotho.diagnostics import Report, Span, render_text
from tests.unit.annotations.mutations import mutated


def parse(code: str, name: str = "a.js") -> tuple[Source, Report]:
    report = Report()
    text = Text(name, code.encode("utf-8", "surrogatepass"))
    return read_source(text, Memory(None, Path()), report), report


def found(code: str, name: str = "a.js") -> list[tuple[str, dict[str, object]]]:
    source, report = parse(code, name)
    assert report.diagnostics == []
    return [(item.capability, dict(item.directives)) for item in source.annotations]


@pytest.mark.parametrize("name", ["a.js", "a.ts", "a.tsx", "a.mjs"])
def test_every_kind_of_comment_of_javascript_holds_annotations(name: str) -> None:
    line = '// @klotho::persist { id = "pets" }\nconst pets = new Map();\n'
    block = '/* @klotho::persist { id = "pets" } */\nconst pets = new Map();\n'
    doc = '/**\n * The pets.\n * @klotho::persist {\n *   id = "pets"\n * }\n */\nconst pets = new Map();\n'
    run = '// @klotho::persist {\n//   id = "pets"\n// }\nconst pets = new Map();\n'
    for code in (line, block, doc, run):
        assert found(code, name) == [("persist", {"id": "pets"})]


def test_python_comments_hold_annotations() -> None:
    code = '# Pets.\n# @klotho::persist {\n#   id = "pets"\n# }\npets = Cache()\n'
    assert found(code, "a.py") == [("persist", {"id": "pets"})]


def test_one_comment_holds_several() -> None:
    code = '// @klotho::execution_unit { id = "shop" } and\n// @klotho::expose { id = "api" }\nlisten();\n'
    assert [name for name, _ in found(code)] == ["execution_unit", "expose"]


def test_bodies_are_toml_with_tables_and_braces_and_slashes_in_strings() -> None:
    code = (
        "/* @klotho::persist {\n"
        '  id = "pets"\n'
        "  # a comment with a }\n"
        '  description = "a } and \\" { and http://x//y"\n'
        "  environment_variables = { A = 'orm.}' }\n"
        "  [environment_variables.nested]\n"
        "} */\nx();\n"
    ).replace("  environment_variables = { A = 'orm.}' }\n", "")
    ((_, directives),) = found(code)
    assert directives["description"] == 'a } and " { and http://x//y'
    assert directives["environment_variables"] == {"nested": {}}
    inline = '// @klotho::persist {\n// id = "pets"\n// environment_variables = { A = "}" }\n// }\nx();\n'
    assert found(inline) == [("persist", {"id": "pets", "environment_variables": {"A": "}"}})]


def test_spans_are_exact_also_after_other_alphabets() -> None:
    source, _ = parse('const é = "🐔"; \n/* 🐔 @klotho::execution_unit */ f();\n')
    (annotation,) = source.annotations
    span = annotation.span
    assert (span.line, span.column, span.end_line, span.end_column) == (2, 6, 2, 6 + len("@klotho::execution_unit"))


def test_comments_apart_are_two() -> None:
    code = '// @klotho::persist {\n\n// id = "pets" }\nx();\n'
    source, report = parse(code)
    assert source.annotations == ()
    assert [item.code for item in report.errors] == ["annotation-syntax"]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ('@klotho::persit { id = "a" }', "annotation-unknown", "did you mean `persist`?"),
        ("@klotho:: {}", "annotation-unknown", "there is `execution_unit`"),
        ("@klotho::persist { id = a }", "annotation-syntax", "no TOML"),
        ('@klotho::persist { id = "a"', "annotation-syntax", "never closed"),
        ('@klotho::persist { id = "a', "annotation-syntax", "never closed"),
        ("@klotho::persist", "annotation-id", "needs an id"),
        ('@klotho::persist { id = "a b" }', "annotation-id", "is no id"),
        ('@klotho::persist { id = "9" }', "annotation-id", "is no id"),
        (f'@klotho::persist {{ id = "{"a" * 26}" }}', "annotation-id", "too long"),
        ('@klotho::persist {\n// id = "a"\n// idd = 1\n// }', "annotation-directive", "did you mean `id`?"),
        ("@klotho::persist { id = 1 }", "annotation-directive", "must be a text"),
        *(
            (f'@klotho::persist {{\n// id = "a"\n// ttl = {value}\n// }}', "annotation-directive", "number of seconds")
            for value in ("0", "-1", "1.5", '"1h"', "true", "1" + "0" * 12)
        ),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(tmp_path: Path, body: str, code: str, said: str) -> None:
    (tmp_path / "a.js").write_text(f"// {body}\nconst a = new Map();\n", encoding="utf-8")
    report = Report()
    read_code_base(tmp_path, report)
    assert code in [item.code for item in report.errors]
    assert said in render_text(report.errors, tmp_path)


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('// @klotho::nothing\nf();\n// @klotho::config { id = "q" }\ng();\n')
    (tmp_path / "b.js").write_text('// @klotho::persist { id = "m" }\nf();\n// @klotho::persist { id = "m" }\n')
    (tmp_path / "c.py").write_text('# @klotho::config { id = "p" }\nx = 1\n')
    (tmp_path / "d.go").write_text("// @klotho::expose\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "e.js").write_text("// @klotho::nothing\n")
    report = Report()
    read_code_base(tmp_path, report)
    assert [(str(item.span), item.code) for item in report.diagnostics] == [
        ("a.js:1", "annotation-unknown"),
        ("a.js:3", "annotation-not-yet"),
        ("b.js:3", "annotation-detached"),
        ("b.js:3", "annotation-duplicate"),
        ("c.py:1", "annotation-not-yet"),
        ("d.go:1", "annotation-id"),
    ]


def test_a_comment_behind_code_stands_on_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('f(); // @klotho::persist { id = "m" }\nconst m = new Map();\n')
    report = Report()
    read_code_base(tmp_path, report)
    assert [item.code for item in report.errors] == ["annotation-detached"]


def test_a_syntax_error_is_told_and_the_rest_is_read() -> None:
    source, report = parse('const a = ;;) {\n// @klotho::persist { id = "pets" }\nconst pets = new Map();\n')
    assert [item.id for item in source.annotations] == ["pets"]
    assert [item.code for item in report.diagnostics] == ["source-syntax"]


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Zl", "Zp"), exclude_characters="\x7f"), max_size=12)
WORDS = st.text("ab {}\"'#=[]@,.\\/*é🐔\n", max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | TEXTS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), WORDS | VALUES, max_size=3)
ANNOTATIONS = st.fixed_dictionaries(
    {"id": st.from_regex(r"[A-Za-z][A-Za-z0-9_.:/-]{0,24}", fullmatch=True)},
    optional={
        "description": TEXTS | WORDS,
        "secret": st.booleans(),
        "ttl": st.integers(1, 9),
        "environment_variables": TABLES,
    },
)


def toml(value: Any) -> str:
    """As one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("*/", "*\\u002f")


def body(directives: Mapping[str, Any], as_header: bool) -> list[str]:
    table = directives.get("environment_variables")
    lines = [f"{key} = {toml(value)}" for key, value in directives.items() if not as_header or value is not table]
    if as_header and table is not None:
        lines += ["[environment_variables]  # } no end", *(f"  {key} = {toml(value)}" for key, value in table.items())]
    return lines


def commented(lines: list[str], style: str) -> str:
    if style in ("//", "#"):
        return "".join(f"{style} {line}\n" for line in lines)
    return "/**\n" + "".join(f"{style}{line}\n" for line in lines) + "*/\n"


def told_at(span: Span | None, code: str) -> str:
    assert span is not None
    assert span.line == span.end_line
    return code.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


@settings(max_examples=150, deadline=None)
@given(st.lists(ANNOTATIONS, min_size=1, max_size=4), st.sampled_from(["//", "#", " * ", "  "]), st.booleans())
def test_any_number_of_annotations_of_a_comment_is_read_as_it_was_written_each_at_its_place(
    given_: list[dict[str, Any]], style: str, as_header: bool
) -> None:
    lines = ["Some words, and {braces}."]
    for directives in given_:
        lines += ["é @klotho::persist {", *body(directives, as_header), "} and more"]
    code = commented(lines, style) + "x = 1\n"
    source, report = parse(code, "a.py" if style == "#" else "a.js")
    assert report.diagnostics == []
    assert [dict(item.directives) for item in source.annotations] == given_
    assert [told_at(item.span, code) for item in source.annotations] == ["@klotho::persist"] * len(given_)
    assert len({item.span for item in source.annotations}) == len(given_)
    assert all(source.target_of(item) is not None for item in source.annotations)


@settings(max_examples=150, deadline=None)
@given(ANNOTATIONS, st.sampled_from(["//", "#", " * ", "  "]), st.sampled_from(["idd", '"idd"']))
def test_a_wrong_directive_is_told_where_it_stands_whatever_stands_before_it(
    directives: dict[str, Any], style: str, name: str
) -> None:
    before = [
        'description = "idd = 1, { idd = 2 }"',
        "environment_variables = { a = { idd = 1 }, b = [{ idd = 1 }] }  # idd = 3",
    ]
    lines = ["@klotho::persist {", f'id = "{directives["id"]}"', *before, f"{name} = {toml(directives)}", "}"]
    code = commented(lines, style) + "x = 1\n"
    source, report = parse(code, "a.py" if style == "#" else "a.js")
    assert source.annotations == ()
    (found,) = report.errors
    assert told_at(found.span, code) == name
    assert found.span is not None
    assert (
        found.span.line == code.split("\n").index(next(line for line in code.split("\n") if f"{name} = {{" in line)) + 1
    )


SEEDS = {
    "a.js": '/**\n * @klotho::persist {\n *   id = "pets"\n *   environment_variables = { a = [1, "}"] }\n * }\n */\n'
    "const pets = new Map([[1, `x${2}`]]);\n// @klotho::expose { id = 'api' }\napp.listen(3000, () => {});\n",
    "b.js": "/* @klotho::static_unit {\n id = 'web'\n static_files = ['public/**', '*.{js,css}']\n}\n"
    " * @klotho::embed_assets { include = ['[a-z]/**'] } */\nf(__dirname);\n",
    "a.ts": 'import type { A } from "./a";\n// @klotho::execution_unit { id = "b" }\n'
    "export const x: A<b> = {} as any;\n",
    "a.py": '# @klotho::persist {\n#   id = """p"""\n# }\ncache = Cache(x=[1])\n\n'
    "async def f(a, *b):\n    return {a: b}\n",
}


def test_places_in_mutated_sources_are_places() -> None:
    chance = random.Random(7)
    for number in range(1_500):
        name = list(SEEDS)[number % len(SEEDS)]
        source, report = parse(mutated(SEEDS[name], chance), name)
        for place in (*(item.span for item in source.annotations), *(item.span for item in report.diagnostics)):
            assert place is not None
            assert place.line >= 1
            assert place.column >= 1


def test_no_depth_of_nesting_is_too_much() -> None:
    source, _ = parse("(" * 20_000 + '\n// @klotho::persist { id = "a" }\nx();\n' + ")" * 20_000)
    assert [item.id for item in source.annotations] == ["a"]
