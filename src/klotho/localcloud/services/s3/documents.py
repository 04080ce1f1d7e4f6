"""S3's XML: answers written, requests read.

Source: the response and request syntax of each operation, Amazon S3 API Reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from klotho.localcloud.service import ApiResponse
from klotho.localcloud.services.s3.errors import malformed

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
Field = tuple[str, "str | int | bool | Iterable[Field] | None"]
"""A name with a text, or with fields inside; one without a value is left out."""


def answer(root: str, fields: Iterable[Field], status: int = 200, headers: dict[str, str] | None = None) -> ApiResponse:
    """An XML document."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{_inner(fields)}</{root}>'
    return ApiResponse(status, body.encode(), {"content-type": "application/xml", **(headers or {})})


def _inner(fields: Iterable[Field]) -> str:
    return "".join(_written(name, value) for name, value in fields)


def _written(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    if isinstance(value, str | int):
        return f"<{name}>{_text(str(value))}</{name}>"
    return f"<{name}>{_inner(value)}</{name}>"  # type: ignore[arg-type]  # the last of Field's alternatives


def _text(value: str) -> str:
    """Escaped; a control character, which XML 1.0 can't hold, as a reference, as S3 writes it."""
    if value.isprintable():
        return escape(value)
    return "".join(f"&#x{ord(char):x};" if ord(char) < 32 else escape(char) for char in value)


def encoded(value: str, url: bool) -> str:
    """A key as `encoding-type` asks for it."""
    return quote(value, safe="/*-._~") if url else value


def quoted(etag: str) -> str:
    return f'"{etag}"'


def stamp(seconds: float) -> str:
    """A time as documents have it; S3 answers whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Element:
    """An element of a request's document; namespaces do not matter."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element

    @property
    def name(self) -> str:
        return self._element.tag.rpartition("}")[2]

    def all(self, name: str) -> list[Element]:
        return [item for item in map(Element, self._element) if item.name == name]

    def text(self, name: str) -> str | None:
        """The text of the child of this name; None when there is none. A child that comes twice is malformed."""
        found = self.all(name)
        if len(found) > 1:
            raise malformed(f"{name} comes twice")
        return (found[0]._element.text or "") if found else None

    def needed(self, name: str) -> str:
        found = self.text(name)
        if found is None:
            raise malformed(f"{name} is missing")
        return found

    def only(self, *names: str) -> None:
        """Every child has one of these names."""
        for item in map(Element, self._element):
            if item.name not in names:
                raise malformed(f"{item.name} is unknown in {self.name}")


def read(body: bytes, root: str) -> Element:
    """The document, whose root has this name. MalformedXML otherwise; document types are never read."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise malformed("it has a document type")
    try:
        found = Element(ElementTree.fromstring(body))
    except (ElementTree.ParseError, ValueError) as error:
        raise malformed(str(error)) from None
    if found.name != root:
        raise malformed(f"{root} is expected")
    return found
