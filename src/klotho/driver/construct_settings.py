"""What `klotho.yaml` says of single constructs: parameters, requirements, usage and directives.

Input: the mapping below a `constructs:` key, and later an application. Output: `ConstructSettings`, and the application
as they change it: the file wins over the program, an environment's own part over the file's general one. Refuses, each
at its line: a construct the program does not have, a parameter its kind does not take, a value it can't have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from klotho.application import Application, Construct, ConstructId, Directive, Requirement
from klotho.diagnostics import Report, Span, did_you_mean, one_of

DIRECTIVES = ("use", "override", "requires", "expects")
"""What stands beside parameters; no parameter of any construct has such a name."""

LineOf = Callable[[Mapping[Any, Any], Any], Span]


@dataclass(frozen=True, slots=True)
class Said:
    """One value and where it stands."""

    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class ConstructSettings:
    """Everything below one name."""

    name: str
    """Of a construct, or its id (`Databases.Postgres/orders`) where several have the name."""
    span: Span
    parameters: Mapping[str, Said]
    use: Said | None
    """An implementation's name, or a mapping with `implementation` and its parameters."""
    override: Mapping[str, Said]
    """Properties by resource type."""
    requirements: Mapping[str, Said]
    """Of `requires` and `expects` together: their names do not overlap."""


def read_constructs(data: Mapping[Any, Any], where: str, report: Report, line_of: LineOf) -> list[ConstructSettings]:
    """What a `constructs:` key holds; mistakes of shape go to the report."""
    found = []
    for name in data:
        at, given = line_of(data, name), data[name]
        if not isinstance(given, Mapping) or not isinstance(name, str):
            message = f"`{where}{name}` must hold parameters or {one_of([f'{word}:' for word in DIRECTIVES])}"
            report.error("settings-shape", message, at)
            continue
        found.append(_one(name, at, given, f"{where}{name}.", report, line_of))
    return found


def read_whole(data: Mapping[Any, Any], where: str, report: Report, line_of: LineOf) -> list[ConstructSettings]:
    """What `requires:` and `expects:` say of the whole application, as settings without a name."""
    given = {key: data[key] for key in ("requires", "expects") if key in data}
    if not given:
        return []
    at = line_of(data, next(iter(given)))
    return [replace(_one("", at, data, where, report, line_of), parameters={}, use=None, override={})]


def read_directives(
    name: str, at: Span, given: Mapping[Any, Any], where: str, report: Report, line_of: LineOf
) -> ConstructSettings:
    """What `use`, `override`, `requires` and `expects` say beside keys of another meaning."""
    return replace(_one(name, at, given, where, report, line_of), parameters={})


def _one(
    name: str, at: Span, given: Mapping[Any, Any], where: str, report: Report, line_of: LineOf
) -> ConstructSettings:
    def below(key: str) -> dict[str, Said]:
        value = given.get(key, {})
        if isinstance(value, Mapping):
            return {str(item): Said(plain(value[item]), line_of(value, item)) for item in value}
        report.error("settings-shape", f"`{where}{key}` must hold names with values", line_of(given, key))
        return {}

    use = Said(plain(given["use"]), line_of(given, "use")) if "use" in given else None
    if use is not None and not isinstance(use.value, str) and not _is_use(use.value):
        message = f"`{where}use` must be an implementation's name, or hold `implementation:` and its parameters"
        report.error("settings-value", message, use.span)
        use = None
    return ConstructSettings(
        name,
        at,
        {str(key): Said(plain(given[key]), line_of(given, key)) for key in given if key not in DIRECTIVES},
        use,
        below("override"),
        {**below("requires"), **below("expects")},
    )


def _is_use(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("implementation"), str)


def plain(value: Any) -> Any:
    """Without what the YAML reader remembers of lines and comments."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return next((kind(value) for kind in (int, float, str) if isinstance(value, kind)), value)


def configured(application: Application, layers: Iterable[ConstructSettings], report: Report) -> Application:
    """The application with each layer over those before it."""
    for settings in layers:
        if not settings.name:
            said = dict(_requirements(settings, report))
            application = replace(application, requirements=_replaced(application, None, said))
            continue
        construct = _subject(application, settings, report)
        if construct is not None:
            application = _over(application, construct, settings, report)
    return application


def _subject(application: Application, settings: ConstructSettings, report: Report) -> Construct | None:
    found = [item for item in application.constructs if settings.name in (item.name, item.id)]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"several constructs are named `{settings.name}`"
        helps = [f"say which: {one_of([str(item.id) for item in found])}"]
    else:
        known = [item.name for item in application.constructs]
        message, helps = f"the program has no construct `{settings.name}`", [did_you_mean(settings.name, known) or ""]
    report.error("settings-construct", message, settings.span, helps=helps)
    return None


def _over(application: Application, construct: Construct, settings: ConstructSettings, report: Report) -> Application:
    changed = replace(construct, properties={**construct.properties, **dict(_parameters(construct, settings, report))})
    requirements = dict(_requirements(settings, report))
    directives = [*_directives(construct.id, settings, report)]
    return replace(
        application,
        constructs=tuple(changed if item is construct else item for item in application.constructs),
        requirements=_replaced(application, construct.id, requirements),
        directives=(*_without(application.directives, directives), *directives),
    )


def _replaced(
    application: Application, subject: ConstructId | None, said: Mapping[str, Said]
) -> tuple[Requirement, ...]:
    kept = (item for item in application.requirements if item.subject != subject or item.name not in said)
    return (*kept, *(Requirement(subject, name, item.value, item.span) for name, item in said.items()))


def _parameters(construct: Construct, settings: ConstructSettings, report: Report) -> Iterator[tuple[str, Any]]:
    if not settings.parameters:
        return
    readers = getattr(_class_of(construct.kind).__init__, "readers", {})
    for name, said in settings.parameters.items():
        if name not in readers:
            known = [*DIRECTIVES, *readers]
            helps = [did_you_mean(name, known) or f"there is {one_of(sorted(readers))}"]
            report.error("settings-key-unknown", f"{construct.title} takes no `{name}`", said.span, helps=helps)
            continue
        value, problem = _read(readers[name], said.value)
        if problem is not None:
            report.error("settings-value", f"`{name}` of {construct.title} must be {problem}", said.span)
        elif isinstance(value, Mapping) and isinstance(construct.properties.get(name), Mapping):
            yield name, {**construct.properties[name], **value}  # `environment:` adds to what the program gives
        else:
            yield name, value


def _class_of(kind: str) -> Any:
    """What an infra.py makes it by; loaded here where the program is annotated code and has none."""
    import klotho

    found: Any = klotho
    for name in kind.split("."):
        found = getattr(found, name)
    return found


def _requirements(settings: ConstructSettings, report: Report) -> Iterator[tuple[str, Said]]:
    from klotho.sdk.statements import OBJECTIVE, REQUIREMENTS, USAGE

    readers = {**REQUIREMENTS, **USAGE} if settings.name else {**REQUIREMENTS, **USAGE, **OBJECTIVE}
    for name, said in settings.requirements.items():
        if name not in readers:
            helps = [did_you_mean(name, readers) or f"there is {one_of(sorted(readers))}"]
            report.error("settings-key-unknown", f"nothing requires or expects `{name}`", said.span, helps=helps)
            continue
        value, problem = _read(readers[name], said.value)
        if problem is None:
            yield name, Said(value, said.span)
        else:
            whose = settings.name or "the application"
            report.error("settings-value", f"`{name}` of {whose} must be {problem}", said.span)


def _directives(subject: ConstructId, settings: ConstructSettings, report: Report) -> Iterator[Directive]:
    from klotho.sdk.statements import RESOURCE_TYPE

    if settings.use is not None:
        given = settings.use.value
        parameters = {} if isinstance(given, str) else {k: v for k, v in given.items() if k != "implementation"}
        name = given if isinstance(given, str) else str(given["implementation"])
        yield Directive(subject, "use", name, parameters, settings.use.span)
    for resource_type, said in settings.override.items():
        if not re.fullmatch(RESOURCE_TYPE, resource_type):
            message = f"`{resource_type}` is no CloudFormation type such as `AWS::RDS::DBInstance`"
            report.error("settings-value", message, said.span)
        elif not isinstance(said.value, Mapping):
            report.error("settings-shape", f"`{resource_type}` must hold properties", said.span)
        else:
            yield Directive(subject, "override", resource_type, said.value, said.span)


def _without(directives: Iterable[Directive], stronger: Iterable[Directive]) -> Iterator[Directive]:
    """What the program said, less what the file says otherwise."""
    taken = {(item.subject, item.action, item.target if item.action == "override" else ""): item for item in stronger}
    for item in directives:
        over = taken.get((item.subject, item.action, item.target if item.action == "override" else ""))
        if over is None:
            yield item
        elif item.action == "override":
            kept = {name: value for name, value in item.properties.items() if name not in over.properties}
            if kept:
                yield replace(item, properties=kept)


def _read(reader: Callable[[Any], Any], value: Any) -> tuple[Any, str | None]:
    """The value as the SDK takes it, or what it must be."""
    from klotho.sdk.readers import Wrong

    # Pairs such as `scale` are written as lists in YAML and as tuples in Python; readers take both.
    try:
        return reader(value), None
    except Wrong as error:
        problem = error.problems[0]
        return None, problem.expected + (f", not {problem.found}" if problem.found else "")
