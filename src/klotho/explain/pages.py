"""Explains one compiled program: a topic goes to the pages of what it means."""

from __future__ import annotations

from klotho.explain.choices import choice_page
from klotho.explain.constructs import ConstructPages
from klotho.explain.lookup import Lookup, Target
from klotho.explain.model import Explanation
from klotho.explain.program import Compiled
from klotho.explain.properties import PropertyPages
from klotho.explain.resources import ResourcePages
from klotho.explain.stacks import StackPages
from klotho.explain.why import Reasons


class Explainer:
    """What is asked often is worked out once, so that explaining everything is linear in the program's size."""

    def __init__(self, program: Compiled) -> None:
        self._program = program
        reasons = self._reasons = Reasons(program)
        self._lookup = Lookup(program)
        self._resources = ResourcePages(program, reasons)
        self._properties = PropertyPages(program, reasons, self._resources)
        self._constructs = ConstructPages(program, reasons, self._resources)
        self._stacks = StackPages(program, reasons, self._resources)

    def explain(self, topic: str) -> Explanation | None:
        """None for what the program does not have; AmbiguousTopicError for what it has several times."""
        target = self._lookup.find(topic)
        return None if target is None else self._page(target)

    def near(self, topic: str) -> list[str]:
        """What may have been meant."""
        return self._lookup.near(topic)

    def _page(self, target: Target) -> Explanation:
        match target.subject:
            case "construct":
                return self._constructs.page(target.name)
            case "resource":
                return self._resources.page(self._program.graph[self._program.keys[target.name]])
            case "property":
                return self._properties.page(target.name, target.path)
            case "type":
                return self._resources.of_type(target.name)
            case "stack":
                return self._stacks.stack(target.name)
            case "choice":
                return choice_page(self._program, self._reasons, target.name)
            case "output":
                return self._stacks.output(target.name)
