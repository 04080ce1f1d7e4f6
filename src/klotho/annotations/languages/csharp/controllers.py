"""Routes of controllers: attributes of classes and methods, and patterns for those that have none.

Input: what each file says of classes (plain values that a later compile remembers). Output: templates with their
methods. Source: learn.microsoft.com/aspnet/core/mvc/controllers/routing (attribute routing, conventional routing,
tokens), and the rules of Microsoft.AspNetCore.Mvc.ApplicationModels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from klotho.annotations.comments import nodes_of
from klotho.annotations.languages.csharp.syntax import (
    arguments_of,
    attributes_of,
    call_of,
    modifiers_of,
    name_of,
    string_of,
    strings_in,
    text_of,
    values_of,
)
from klotho.annotations.languages.csharp.templates import filled, joined, paths_of, paths_of_segments, segments_of

_VERBS = {f"Http{verb}": verb.upper() for verb in ("Get", "Post", "Put", "Delete", "Patch", "Head", "Options")}
_ACTIVE = ("MapControllers", "UseMvc")
"""What makes controllers answer at the templates of their attributes; so do those below."""
_DEFAULT = ("MapDefaultControllerRoute", "UseMvcWithDefaultRoute")
_NAMED = ("MapControllerRoute", "MapAreaControllerRoute", "MapRoute")
_DEFAULT_PATTERN = "{controller=Home}/{action=Index}/{id?}"
_TOKEN = re.compile(r"\[(controller|action|area)\]", re.IGNORECASE)
_MOST_BASES = 8


class ControllerRoute(NamedTuple):
    method: str
    at_path: str
    """As an API writes it."""
    path: str
    """Of the file."""
    start: int
    end: int


def said_of_controllers(root: Any) -> dict[str, Any]:
    """What a file says of controllers, and of how they are reached."""
    said: dict[str, Any] = {"classes": [], "active": False, "patterns": []}
    for node in nodes_of(root, ("class_declaration", "invocation_expression")):
        if node.type == "class_declaration":
            said["classes"].append(_class(node))
            continue
        name = call_of(node)[1]
        said["active"] = said["active"] or name in (*_ACTIVE, *_DEFAULT, *_NAMED)
        if name in _DEFAULT:
            said["patterns"].append(_DEFAULT_PATTERN)
        elif name in _NAMED:
            # name, then the area's name where there is one, then the pattern: the first text that has a parameter
            texts = [string_of(item) for item in arguments_of(node)]
            said["patterns"] += [text for text in texts if text and "{" in text][:1]
    return said


def _class(node: Any) -> dict[str, Any]:
    bases = next((child for child in node.children if child.type == "base_list"), None)
    body = node.child_by_field_name("body")
    attributes = list(attributes_of(node))
    area = next((string_of(next(iter(values_of(item)[0]), None)) for name, item in attributes if name == "Area"), None)
    name = node.child_by_field_name("name")
    return {
        "name": text_of(name),
        "at": [name.start_byte, name.end_byte],
        "bases": [name_of(item) for item in bases.named_children] if bases is not None else [],
        "marks": sorted({name for name, _ in attributes}),
        "abstract": "abstract" in modifiers_of(node),
        "area": area,
        "selectors": _selectors(attributes),
        "actions": [
            found
            for child in (body.named_children if body is not None else ())
            if child.type == "method_declaration" and (found := _action(child)) is not None
        ],
    }


def _action(method: Any) -> dict[str, Any] | None:
    attributes = list(attributes_of(method))
    named = {name for name, _ in attributes}
    modifiers = modifiers_of(method)
    if "public" not in modifiers or modifiers & {"static", "override"} or "NonAction" in named:
        return None
    name = text_of(method.child_by_field_name("name"))
    given = next((values_of(item)[0][:1] for mark, item in attributes if mark == "ActionName"), [])
    at = method.child_by_field_name("name")
    return {
        "name": (string_of(given[0]) if given else None) or name.removesuffix("Async") or name,
        "selectors": _selectors(attributes),
        "at": [at.start_byte, at.end_byte],
    }


def _selectors(attributes: Iterable[tuple[str, Any]]) -> list[list[Any]]:
    """Verbs and template of each attribute that is about routes; a template that is no text is False."""
    found = []
    for name, item in attributes:
        plain, named = values_of(item)
        if name in _VERBS or name == "Route":
            template = plain[0] if plain else named.get("template")
            verbs = [_VERBS[name]] if name in _VERBS else []
        elif name == "AcceptVerbs":
            template = named.get("Route")
            verbs = [text.upper() for value in plain for text in strings_in(value)]
        else:
            continue
        text = string_of(template)
        found.append([verbs, False if template is not None and text is None else text])
    return found


class Controllers:
    """Those of the files of one program."""

    def __init__(self, files: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self._classes = [(path, item) for path, said in files for item in said["classes"]]
        self._by_name: dict[str, Mapping[str, Any]] = {}
        for _, item in self._classes:
            self._by_name.setdefault(item["name"], item)
        self._is_active = any(said["active"] for _, said in files)
        self._patterns = [pattern for _, said in files for pattern in said["patterns"]]

    def found(self) -> Iterator[ControllerRoute]:
        for path, item in self._classes if self._is_active else ():
            line = self._line(item)
            if item["abstract"] or not self._is_controller(item, line):
                continue
            outer: list[list[Any]] = next((cls["selectors"] for cls in line if cls["selectors"]), [])
            for action in [action for cls in line for action in cls["actions"]]:
                start, end = action["at"] if action in item["actions"] else item["at"]
                for verb, place in self._routes(item, line, outer, action):
                    yield ControllerRoute(verb, place, path, start, end)

    def _line(self, item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The class and those it is derived from, as far as they are of this code."""
        found = [item]
        while len(found) < _MOST_BASES:
            base = next((self._by_name[name] for name in found[-1]["bases"] if name in self._by_name), None)
            if base is None or base in found:
                break
            found.append(base)
        return found

    def _is_controller(self, item: Mapping[str, Any], line: Sequence[Mapping[str, Any]]) -> bool:
        marks = {mark for cls in line for mark in cls["marks"]}
        if "NonController" in marks:
            return False
        names = {item["name"], *(name for cls in line for name in cls["bases"])}
        return bool(marks & {"ApiController", "Controller"}) or any(
            name.endswith(("Controller", "ControllerBase")) for name in names
        )

    def _routes(
        self,
        item: Mapping[str, Any],
        line: Sequence[Mapping[str, Any]],
        outer: list[list[Any]],
        action: Mapping[str, Any],
    ) -> Iterator[tuple[str, str]]:
        area = next((cls["area"] for cls in line if cls["area"]), "")
        values = {"controller": item["name"].removesuffix("Controller"), "action": action["name"], "area": area}
        for verbs, template in _combined(outer, action["selectors"]):
            for verb in verbs or ["ANY"]:
                if template is not None:
                    for place in paths_of(_TOKEN.sub(lambda token: values[token[1].lower()], template)):
                        yield verb, place
                    continue
                for pattern in self._patterns:
                    if "{area" in pattern and not area:
                        continue
                    for place in paths_of_segments(filled(segments_of(pattern) or [], values)):
                        yield verb, place


def _combined(outer: list[list[Any]], inner: list[list[Any]]) -> Iterator[tuple[list[str], str | None]]:
    """The verbs and template of each of an action's routes; None for one that a pattern leads to. Verbs without a
    template are those of a `[Route]` beside them."""
    alone = [verb for verbs, template in inner if template is None for verb in verbs]
    selectors = [[verbs or alone, template] for verbs, template in inner if template is not None]
    if alone and not any(not verbs and template is not None for verbs, template in inner):
        selectors.append([alone, None])
    prefixes = [template for _, template in outer if template is not None]
    for verbs, template in selectors or [[[], None]]:
        if template is False:
            continue
        for prefix in prefixes or [None]:
            if prefix is False and not (template or "").startswith(("/", "~/")):
                continue
            if prefix is None and template is None:
                yield verbs, None
            else:
                yield verbs, joined(prefix or None, template)
