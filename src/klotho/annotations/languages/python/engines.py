"""`persist` on an engine of SQLAlchemy or SQLModel, sync or async: a Postgres database.

The statement keeps its options; the address is the database's where the unit is deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Resource
from klotho.annotations.languages.python.modules import Module, assigned
from klotho.annotations.languages.python.wrapping import is_at_top, qualified, wrapped
from klotho.annotations.model import Annotation

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

_MADE = frozenset(
    {
        "sqlalchemy.create_engine",
        "sqlalchemy.engine.create_engine",
        "sqlmodel.create_engine",
        "sqlalchemy.ext.asyncio.create_async_engine",
    }
)


class SqlEngines:
    shapes = "`engine = create_engine(…)` of SQLAlchemy or SQLModel, `engine = create_async_engine(…)`"

    def resource(
        self, program: PythonProgram, modules: list[Module], module: Module, annotation: Annotation, target: Any
    ) -> Resource | None:
        _, value = assigned(target)
        if value is None or not is_at_top(target) or value.type != "call":
            return None
        function = value.child_by_field_name("function")
        if qualified(module, function) not in _MADE:
            return None
        edits = wrapped(module, function, "sql", "engine_of", annotation.id)
        return Resource(annotation, "Databases.Postgres", ("read_writes_to",), edits=edits, shims=DRIVER)


DRIVER = ("psycopg[binary]",)
