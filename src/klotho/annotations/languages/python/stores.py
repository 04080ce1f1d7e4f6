"""`persist` on a dict: where it is wrapped, what a unit does with it, and what a dict of this machine would hide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klotho.annotations.findings import Edit, Resource, construct_name
from klotho.annotations.key_values import table, ttl
from klotho.annotations.languages.python.django import is_databases
from klotho.annotations.languages.python.modules import Module, assigned, nodes_of, text_of
from klotho.annotations.languages.python.mutations import check_mutations
from klotho.annotations.languages.python.names import django_setting
from klotho.annotations.model import Annotation
from klotho.annotations.variables import rewritten

if TYPE_CHECKING:
    from klotho.annotations.languages.python.program import PythonProgram

SHAPES = "a dict at the top of a module: `pets = {}`, `pets: dict[str, Pet] = {}` or `pets = dict()`"
READS = frozenset({"get", "keys", "values", "items", "copy"})


@dataclass(frozen=True, slots=True)
class StoredDict:
    annotation: Annotation
    file: str
    variable: str
    value: Any = field(compare=False)
    """The expression that makes it."""


def stored_dict(module: Module, annotation: Annotation, target: Any) -> StoredDict | None:
    """None where the statement has another shape."""
    name, value = assigned(target)
    is_dict = value is not None and (
        value.type in ("dictionary", "dictionary_comprehension")
        or (value.type == "call" and text_of(value.child_by_field_name("function")) == "dict")
    )
    if is_databases(name, value):  # settings of Django, which are no data
        return None
    top = target.parent is not None and target.parent.type == "module"
    if django_setting(module, target) is not None:
        return None
    return StoredDict(annotation, module.path, name, value) if name and is_dict and top else None


def stored_dicts(program: PythonProgram, modules: list[Module]) -> Iterator[Resource]:
    """The dicts of a unit's modules as tables, with what the unit does to each."""
    for module in modules:
        for annotation, target in rewritten(module.source):
            item = stored_dict(module, annotation, target) if target is not None else None
            if item is not None:
                verb = "reads_from" if _only_reads(program, item, modules) else "read_writes_to"
                yield table(annotation, verb, tuple(_edits(item)))


def _edits(item: StoredDict) -> Iterator[Edit]:
    """Wrapped where it stands; the import stands on the same line."""
    name = construct_name(item.annotation.id or "")
    opening = f'__import__("klotho_unit.store", fromlist=["persisted"]).persisted({json.dumps(name)}, '
    yield Edit(item.file, item.value.start_byte, item.value.start_byte, opening.encode())
    seconds = ttl(item.annotation)
    closing = ")" if seconds is None else f", {seconds})"
    yield Edit(item.file, item.value.end_byte, item.value.end_byte, closing.encode())


def _only_reads(program: PythonProgram, item: StoredDict, modules: list[Module]) -> bool:
    only = item.value.type == "dictionary" and not item.value.named_children
    for module in modules:
        for name in program.names_of(module, item.file, item.variable):
            only &= _reads_only(module, name, item)
            check_mutations(module, name, program.code.report)
    return only


def _reads_only(module: Module, name: str, item: StoredDict) -> bool:
    """Whether a module that writes it like this only looks at it."""
    only = True
    for node in nodes_of(module.root, ("identifier", "attribute")):
        if text_of(node) != name or _is_name_of_it(node, item):
            continue
        parent = node.parent
        if parent.type == "subscript" and parent.child_by_field_name("value") == node:
            above = parent.parent
            written = (
                above.type in ("assignment", "augmented_assignment") and above.child_by_field_name("left") == parent
            )
            only &= not written and above.type not in ("delete_statement", "expression_list")
        elif parent.type == "attribute" and parent.child_by_field_name("object") == node:
            only &= text_of(parent.child_by_field_name("attribute")) in READS
        elif parent.type == "comparison_operator" or (parent.type == "for_statement"):
            continue
        elif parent.type == "argument_list":
            function = text_of(parent.parent.child_by_field_name("function"))
            only &= function in ("len", "list", "sorted", "dict", "tuple", "set", "any", "all", "iter", "enumerate")
        elif parent.type == "for_in_clause":
            continue
        else:
            only = False
    return only


def _is_name_of_it(node: Any, item: StoredDict) -> bool:
    """Its own declaration, an import, or a part of a longer name."""
    parent = node.parent
    if parent is None or parent.type in ("dotted_name", "aliased_import", "import_from_statement", "keyword_argument"):
        return parent is None or parent.type != "keyword_argument" or parent.child_by_field_name("name") == node
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        return True
    return bool(parent.type == "assignment" and parent.child_by_field_name("right") == item.value)
