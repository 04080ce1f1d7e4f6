"""What the applications of a project may not be together, a file a subject.

A rule is a pure function of the joined project that yields conflicts; it is given all members, and must be linear in
them. Rules that guard what the join opens (a public API that reaches another repository's database) are such functions
too: add one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from klotho.registry.conflict import Conflict
from klotho.registry.joined import Joined
from klotho.registry.rules.changes import changed, removed
from klotho.registry.rules.circles import circles
from klotho.registry.rules.definitions import ambiguous, domains
from klotho.registry.rules.guards import contradictions, intrusions, loosened
from klotho.registry.rules.ports import ports
from klotho.registry.rules.references import dangling
from klotho.registry.rules.routes import clashes, gone

Rule = Callable[[Joined], Iterable[Conflict]]

RULES: tuple[Rule, ...] = (
    domains,  # a name of the internet that two claim
    ambiguous,  # a reference to what several define
    dangling,  # a reference to what nobody defines, or what is of another kind
    clashes,  # two that serve the same requests of one API
    contradictions,  # two that say different things about who may call a route
    intrusions,  # a guard for routes that are another's
    circles,  # stacks that would wait for each other
    removed,  # what others use and is not there any more
    changed,  # what others use and is another thing now
    ports,  # what others call and speaks otherwise now
    gone,  # a route that others may call
    loosened,  # rules that others' routes would not follow
)
