"""What is judged: an application as it is to be deployed, or those of a project together."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from klotho.application import Application, Construct
from klotho.catalogue.kinds import candidates
from klotho.resources import ResourceGraph

Cost = Callable[[], float | None]
"""US dollars a month, as estimated; None where prices are not known."""


@dataclass(frozen=True)
class Judged:
    """An application in an environment."""

    application: Application
    environment: str
    today: datetime.date
    region: str | None = None
    graph: ResourceGraph | None = None
    """What it is made of; None where only the model is known: then rules about resources find nothing."""
    teams: frozenset[str] = frozenset()
    """Whose it is, as klotho.yaml says; bundles know more."""
    tags: frozenset[str] = frozenset()
    monthly_cost: Cost | None = field(default=None, compare=False)
    """The cost model, where there is one."""

    def chosen(self, construct: Construct) -> str | None:
        """The implementation's name; None for what another application defines."""
        choice = self.graph.choices.get(construct.id) if self.graph is not None else None
        return choice.implementation if choice is not None else None

    def own(self) -> Iterator[Construct]:
        """The constructs that this application defines."""
        return (item for item in self.application.constructs if not item.from_project)

    def properties(self, construct: Construct) -> Mapping[str, Any]:
        """What the program says of a construct, over the catalogue's defaults; `existing`: whether it is adopted."""
        name = self.chosen(construct)
        offered = (item for item in candidates(construct.kind) if name is None or item.name == name)
        implementation = next(offered, None)
        defaults = implementation.parameters if implementation is not None else {}
        known = {key: item.default for key, item in defaults.items() if item.default is not None}
        adopted = construct.adopted_in(self.environment) is not None
        return {**known, **construct.properties, "existing": adopted}
