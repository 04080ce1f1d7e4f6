"""`application.json`: the Application as JSON and back, refusing what it does not understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.application.model import (
    SCHEMA_VERSION,
    Application,
    Construct,
    ConstructId,
    Directive,
    Existing,
    Relationship,
    Requirement,
)
from klotho.diagnostics import Span


class ApplicationFormatError(ValueError):
    """The JSON is no application this version can read."""


def to_json(application: Application) -> dict[str, Any]:
    """Plain JSON values; keys that say nothing are left out."""
    return _compact(
        {
            "schema": SCHEMA_VERSION,
            "name": application.name,
            "project": application.project,
            "environment": application.environment,
            "region": application.region,
            "span": _span_json(application.span),
            "constructs": [
                _compact(
                    {
                        "kind": item.kind,
                        "name": item.name,
                        "properties": dict(item.properties),
                        "stack": item.stack,
                        "from_project": item.from_project or None,
                        "existing": _existing_json(item.existing),
                        "was": item.was,
                        "renamed_to": item.renamed_to,
                        "span": _span_json(item.span),
                    }
                )
                for item in application.constructs
            ],
            "relationships": [
                _compact(
                    {
                        "verb": item.verb,
                        "actor": item.actor,
                        "target": item.target,
                        "properties": dict(item.properties),
                        "span": _span_json(item.span),
                    }
                )
                for item in application.relationships
            ],
            "requirements": [
                {"subject": item.subject, "name": item.name, "value": item.value, "span": _span_json(item.span)}
                for item in application.requirements
            ],
            "directives": [
                _compact(
                    {
                        "subject": item.subject,
                        "action": item.action,
                        "target": item.target,
                        "properties": dict(item.properties),
                        "span": _span_json(item.span),
                    }
                )
                for item in application.directives
            ],
        }
    )


def from_json(data: Any) -> Application:
    """The application; ApplicationFormatError for a newer schema or a shape that is not one."""
    if not isinstance(data, Mapping) or not isinstance(data.get("schema"), int):
        raise ApplicationFormatError("this is no application model: it has no `schema` number")
    if data["schema"] > SCHEMA_VERSION:
        raise ApplicationFormatError(
            f"the model has schema {data['schema']}, this Klotho reads up to {SCHEMA_VERSION}: upgrade Klotho"
        )
    try:
        return _application(data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ApplicationFormatError(f"the model is damaged: {type(error).__name__}: {error}") from error


def _application(data: Mapping[str, Any]) -> Application:
    return Application(
        name=_text(data["name"]),
        project=_text(data["project"]),
        environment=_optional(data.get("environment")),
        region=_optional(data.get("region")),
        span=_span(data.get("span")),
        constructs=tuple(
            Construct(
                kind=_text(item["kind"]),
                name=_text(item["name"]),
                properties=dict(item.get("properties", {})),
                span=_span(item.get("span")),
                stack=_optional(item.get("stack")),
                from_project=bool(item.get("from_project", False)),
                existing=_existing(item.get("existing")),
                was=_optional(item.get("was")),
                renamed_to=_optional(item.get("renamed_to")),
            )
            for item in data.get("constructs", ())
        ),
        relationships=tuple(
            Relationship(
                verb=_text(item["verb"]),
                actor=ConstructId(_text(item["actor"])),
                target=ConstructId(_text(item["target"])),
                properties=dict(item.get("properties", {})),
                span=_span(item.get("span")),
            )
            for item in data.get("relationships", ())
        ),
        requirements=tuple(
            Requirement(item.get("subject"), _text(item["name"]), item["value"], _span(item.get("span")))
            for item in data.get("requirements", ())
        ),
        directives=tuple(_directive(item) for item in data.get("directives", ())),
    )


def _directive(item: Mapping[str, Any]) -> Directive:
    if item["action"] not in ("use", "override"):
        raise ValueError(f"unknown directive {item['action']!r}")
    return Directive(
        subject=ConstructId(_text(item["subject"])),
        action=item["action"],
        target=_text(item["target"]),
        properties=dict(item.get("properties", {})),
        span=_span(item.get("span")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _existing_json(existing: Existing | Mapping[str, Existing] | None) -> Any:
    """The id; `[id, facts]` where more is said; one of these by environment."""
    if isinstance(existing, Existing):
        return [existing.id, dict(existing.facts)] if existing.facts else existing.id
    return None if existing is None else {name: _existing_json(item) for name, item in existing.items()}


def _existing(value: Any) -> Existing | Mapping[str, Existing] | None:
    if isinstance(value, Mapping):
        return {_text(name): _one_existing(given) for name, given in value.items()} or None
    return None if value is None else _one_existing(value)


def _one_existing(value: Any) -> Existing:
    if isinstance(value, list):
        identifier, facts = value
        return Existing(_text(identifier), dict(facts))
    return Existing(_text(value))


def _span(data: Any) -> Span | None:
    return None if data is None else Span.from_json(data)


def _span_json(span: Span | None) -> dict[str, Any] | None:
    return None if span is None else span.to_json()


def _compact(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None and value != {}}
