"""Values of a construct's parameters, as the engine would take them."""

from __future__ import annotations

from typing import Any

from klotho.application import Application, Construct
from klotho.catalogue.kinds import default_implementation


def parameter(application: Application, construct: Construct, name: str) -> Any:
    """What `use(…)` says, else the program, else the default of what the construct is made of; None without any."""
    for item in application.directives:
        if item.subject == construct.id and item.action == "use" and name in item.properties:
            return item.properties[name]
    given = construct.properties.get(name)
    if given is not None:
        return given
    made = default_implementation(construct)
    return made.parameters[name].default if made and name in made.parameters else None
