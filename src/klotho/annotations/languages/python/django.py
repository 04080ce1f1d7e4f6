"""`persist` on the `DATABASES` of Django's settings: a Postgres database. And what Django loads by its name.

A Django program is held together by names in strings: the settings that wsgi.py names, the applications and URLs that
settings name, the URLs that URLs include. They count as imports. What the database is asked for is migrated when a
process of the unit starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.engines import DRIVER
from klotho.annotations.languages.python.modules import Module, assigned, string_of, text_of
from klotho.annotations.languages.python.unit_files import FOLDER
from klotho.annotations.languages.python.wrapping import is_at_top, wrapped
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_FOUND_IN_APPS = ("models", "admin", "apps", "migrations", "templatetags")
"""Modules and packages that Django looks for in an application. Source: docs.djangoproject.com, "Applications"."""
BACKEND = f"{FOLDER}.django_postgres.base"


class DjangoDatabases:
    shapes = '`DATABASES = {"default": {…}}` in the settings of Django'

    def resource(
        self, program: PythonProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Resource | None:
        name, value = assigned(target)
        if not is_databases(name, value) or not is_at_top(target):
            return None
        for pair in value.named_children:
            if pair.type == "pair" and string_of(pair.child_by_field_name("key")) != "default":
                _refuse(program, module, pair, "another database than `default` of annotated `DATABASES`")
        if "django.contrib.gis" in text_of(value):
            _refuse(program, module, value, "a database of `django.contrib.gis`")
        edits = wrapped(module, value, "django", "databases_of", annotation.id)
        return Resource(annotation, "Databases.Postgres", ("read_writes_to",), edits=edits, shims=DRIVER)


def is_databases(name: str, value: Any) -> bool:
    """Whether an assignment is that of the settings."""
    if name != "DATABASES" or value is None or value.type != "dictionary":
        return False
    return any(string_of(pair.child_by_field_name("key")) == "default" for pair in value.named_children)


def _refuse(program: PythonProgram, module: Module, node: Any, what: str) -> None:
    at = module.source.text.span(node.start_byte, node.end_byte)
    program.code.report.error("annotation-not-yet", f"{what} is not supported yet", at)


def named_files(program: PythonProgram, module: Module) -> Iterator[str]:
    """The files that a module of a Django program names in its strings."""
    is_settings = "INSTALLED_APPS" in module.defines
    for name in module.names:
        parts = tuple(name.split("."))
        for end in range(1, len(parts) + 1):
            yield from program.module_files(parts[:end])
            if is_settings:
                yield from _of_application(program, parts[:end])


def _of_application(program: PythonProgram, package: tuple[str, ...]) -> Iterator[str]:
    """What Django looks for in an application of this name."""
    for home in program.module_files(package):
        folder = PurePosixPath(home).parent
        if PurePosixPath(home).name != "__init__.py":
            return
        for path in sorted(program.code.files):
            inside = PurePosixPath(path)
            if path.endswith(".py") and inside.is_relative_to(folder) and inside != folder:
                first = inside.relative_to(folder).parts[0].removesuffix(".py")
                if first in _FOUND_IN_APPS:
                    yield path


def names_settings(module: Module) -> bool:
    """Whether a module says which settings Django takes."""
    return _VARIABLE in module.names


def check_unit(program: PythonProgram, modules: list[Module]) -> bool:
    """Whether a unit is a Django program; what of Django it can't have is reported."""
    django = [module for module in modules if any(item.module[:1] == ("django",) for item in module.imports)]
    if not django:
        return False
    is_program = any(names_settings(module) for module in django)
    for module in django if not is_program else ():
        for item in module.imports:
            if item.module[:2] == ("django", "db"):
                _refuse(program, module, item.node, "a model of Django in a unit without Django's settings")
    folders = {PurePosixPath(module.path).parent for module in modules} | {PurePosixPath()}
    for folder in sorted(folders) if is_program else ():
        templates = program.code.root / folder / "templates"
        if templates.is_dir() and any(path.is_file() for path in templates.rglob("*")):
            message = f"templates of Django are not supported yet: `{(folder / 'templates').as_posix()}`"
            exposed = next((item for module in modules for item, _ in module.source.of("expose")), None)
            program.code.report.error("annotation-not-yet", message, exposed.span if exposed else None)
    return is_program
