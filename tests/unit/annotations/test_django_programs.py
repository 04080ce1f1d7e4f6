"""A program of Django: what is named in strings is part of its unit, its DATABASES are a database."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from klotho.annotations.compiling import compile_code
from klotho.diagnostics import Report
from tests.unit.annotations.test_compiling import good, relations, told
from tests.unit.annotations.test_grammar import mutated

LIBRARY = Path(__file__).parents[3] / "examples" / "annotated-library-django"


def library(**changed: str) -> dict[str, str]:
    """The example's files; `settings` and `views` with other words, as `before|after`."""
    files = {
        path.relative_to(LIBRARY).as_posix(): path.read_text(encoding="utf-8")
        for path in LIBRARY.rglob("*")
        if path.suffix in (".py", ".txt") and "compiled" not in path.parts
    }
    for name, change in changed.items():
        path = {"settings": "library/settings.py", "reviews": "books/reviews.py"}[name]
        before, _, after = change.partition("|")
        assert before in files[path]
        files[path] = files[path].replace(before, after)
    return files


def test_what_settings_and_urls_name_is_in_the_unit_with_its_migrations(tmp_path: Path) -> None:
    made = good(tmp_path, library())
    assert [(unit.name, unit.files) for unit in made.units] == [
        (
            "main",
            [
                "books/__init__.py",
                "books/apps.py",
                "books/middleware.py",
                "books/migrations/0001_initial.py",
                "books/migrations/__init__.py",
                "books/models.py",
                "books/signals.py",
                "books/urls.py",
                "books/views.py",
                "library/__init__.py",
                "library/settings.py",
                "library/urls.py",
                "library/wsgi.py",
            ],
        ),
        ("reviews", ["books/__init__.py", "books/reviews.py"]),
    ]
    unit = made.files["main/klotho_unit/unit.py"].decode()
    for name in ("books.migrations.0001_initial", "library.settings", "klotho_unit.django_postgres.base"):
        assert f'    import_module("{name}")\n' in unit
    assert "klotho_unit.django" not in made.files["reviews/klotho_unit/unit.py"].decode()
    assert not any(path.startswith("reviews/klotho_unit/django") for path in made.files)


def test_databases_are_a_database_and_no_table_and_keep_their_lines(tmp_path: Path) -> None:
    files = library()
    made = good(tmp_path, files)
    assert ("read_writes_to", "Compute.Function/main", "Databases.Postgres/library") in relations(made)
    before, after = files["library/settings.py"].splitlines(), made.files["main/library/settings.py"].decode()
    changed = [pair for pair in zip(before, after.splitlines(), strict=True) if pair[0] != pair[1]]
    opening = '__import__("klotho_unit.django", fromlist=["databases_of"]).databases_of("library", {'
    assert changed == [("DATABASES = {", f"DATABASES = {opening}"), ("}", "})")]
    assert b"psycopg[binary]\n" in made.files["main/requirements.txt"]


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"settings": '    }\n}|    },\n    "other": {}\n}'}, "library/settings.py:35"),
        ({"settings": "django.db.backends.sqlite3|django.contrib.gis.db.backends.postgis"}, "library/settings.py:29"),
        ({"reviews": "\nasync|from django.db import models\nasync"}, "books/reviews.py:7"),
    ],
)
def test_what_a_program_of_django_can_not_have_yet_is_refused_at_its_line(
    tmp_path: Path, changed: Mapping[str, str], place: str
) -> None:
    assert told(tmp_path, library(**changed)) == [("annotation-not-yet", place)]


def test_templates_are_refused_where_the_program_is_exposed(tmp_path: Path) -> None:
    files = {**library(), "books/templates/books/list.html": "<p>"}
    assert told(tmp_path, files) == [("annotation-not-yet", "library/wsgi.py:7")]


def test_mutated_programs_of_django_give_no_traceback(tmp_path: Path) -> None:
    chance = random.Random(8)
    shutil.copytree(LIBRARY, tmp_path / "it", ignore=shutil.ignore_patterns("compiled"))
    seeds = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "it").rglob("*.py")}
    for path, text in seeds.items():
        for _ in range(3):
            path.write_bytes(mutated(text, chance).encode("utf-8", "surrogatepass"))
            compile_code(tmp_path / "it", None, Report())
        path.write_text(text, encoding="utf-8")
