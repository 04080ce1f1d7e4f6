"""klotho.yaml over annotated code: what it says of ids, and of all of a kind, becomes directives of the engine.

Input: the code's application, which constructs each annotation makes, and the settings. Output: the application as
they change it. Reports ids that no annotation has, and types that are not of what the code keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from klotho.annotations.findings import construct_name
from klotho.annotations.hosting import Said
from klotho.application import Application, Construct, ConstructId, Directive
from klotho.diagnostics import Report, meant_or_listed
from klotho.driver.annotated_settings import AnnotatedSettings
from klotho.driver.annotated_types import KINDS, SECTIONS, Made
from klotho.driver.construct_settings import configured

Ids = Mapping[str, Mapping[str, tuple[ConstructId, ...]]]
"""By section, the constructs that an id's annotations make."""


def with_annotated(application: Application, ids: Ids, settings: AnnotatedSettings, report: Report) -> Application:
    made = {section: {construct_name(name): item for name, item in found.items()} for section, found in ids.items()}
    for section, named in settings.ids.items():
        known = list(ids.get(section, {}))
        for name, span in named.items():
            if construct_name(name) not in made.get(section, {}):
                helps = (meant_or_listed(name, known, "there is") if known else "the code has no such annotation",)
                report.error("settings-key-unknown", f"`{section}.{name}` is no id of an annotation", span, helps=helps)
    variables = {construct_name(name): given for name, given in settings.variables.items()}
    services = {item for found in made.get("execution_units", {}).values() for item in found}
    constructs = tuple(
        replace(item, properties={**item.properties, "environment": dict(variables[item.name])})
        if item.id in services and item.name in variables
        else item
        for item in application.constructs
    )
    pins = tuple(_pins(application, made, settings, report))
    application = replace(application, constructs=constructs, directives=(*application.directives, *pins))
    layers = [
        replace(said, name=str(construct))
        for section, found in settings.directives.items()
        for name, said in found.items()
        for construct in made.get(section, {}).get(construct_name(name), ())
    ]
    return configured(application, layers, report)


def _pins(application: Application, made: Ids, settings: AnnotatedSettings, report: Report) -> Iterator[Directive]:
    """The implementations that types name; what is said of an id wins over what is said of all."""
    for section, found in made.items():
        own = {construct_name(name): said for name, said in settings.types.get(section, {}).items()}
        for name, constructs in found.items():
            for item in (application.construct(construct) for construct in constructs):
                said = own.get(name)
                if said is not None and _refused(item, section, said, report):
                    continue
                said = said or _of_all(section, item, settings)
                if said is not None:
                    type_, span = said
                    yield Directive(item.id, "use", SECTIONS[section].types[type_].implementation, {}, span)


def _of_all(section: str, item: Construct, settings: AnnotatedSettings) -> Said | None:
    if section != "persisted":
        return settings.defaults.get(section)
    kinds = [kind for kind, name in KINDS.items() if name == item.kind]
    if len(kinds) > 1:  # the two kinds of Redis are one construct
        kinds = ["redis_cluster" if item.properties.get("cluster") else "redis_node"]
    return next((settings.defaults[kind] for kind in kinds if kind in settings.defaults), None)


def _refused(item: Construct, section: str, said: Said, report: Report) -> bool:
    """A type must be one of what the code has under that id."""
    (type_, span), types = said, SECTIONS[section].types
    if types[type_].kind == item.kind:
        return False
    fitting = next((word for word, made in types.items() if made.kind == item.kind), None)
    message = f"`{section}.{item.name}.type` is `{type_}`, and what the code keeps there is a {item.kind}"
    helps = (f"write `type: {fitting}`, or leave it out" if fitting else "leave it out",)
    report.error("settings-value", message, span, helps=helps)
    return True


def word_of(section: str, made: Made) -> str:
    """The type that klotho.yaml would write for a construct of this implementation."""
    if section == "execution_units":
        return "lambda" if made.kind == "Compute.Function" else made.implementation
    if section == "exposed" and made.implementation == "internal-alb":
        return "alb"
    words = (word for word, item in SECTIONS[section].types.items() if item == made)
    return next(words, made.implementation)
