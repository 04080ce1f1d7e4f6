"""What a listener does with a request, compiled from the deployed rules.

Input: the World and a listener. Output: `Listening`, which gives the action for a method and path. Refuses nothing: the
handlers have checked the records. Source: Elastic Load Balancing, "Listener rules": in the order of their priorities,
all conditions must hold; paths are matched case-sensitively, with `*` (any characters, also none and `/`) and `?`
(one).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from klotho.localcloud.world import World

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
Action = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    paths: tuple[re.Pattern[str], ...]
    methods: frozenset[str]
    """Empty for all."""
    action: Action

    def matches(self, method: str, path: str) -> bool:
        if self.methods and method not in self.methods:
            return False
        return not self.paths or any(pattern.fullmatch(path) for pattern in self.paths)


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener's rules, the first one first."""

    rules: tuple[Rule, ...]
    default: Action

    def action(self, method: str, path: str) -> Action:
        return next((rule.action for rule in self.rules if rule.matches(method, path)), self.default)


def compile_listener(world: World, arn: str, default: Action) -> Listening:
    records = [record for record in world.list(RULE) if record.properties.get("ListenerArn") == arn]
    ordered = sorted(records, key=lambda record: int(record.properties["Priority"]))
    return Listening(tuple(_rule(record.properties) for record in ordered), default)


def _rule(properties: Mapping[str, Any]) -> Rule:
    paths: list[str] = []
    methods: list[str] = []
    for condition in properties["Conditions"]:
        if condition["Field"] == "path-pattern":
            paths += condition["PathPatternConfig"]["Values"]
        else:
            methods += condition["HttpRequestMethodConfig"]["Values"]
    return Rule(tuple(pattern_of(path) for path in paths), frozenset(methods), properties["Actions"][0])


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    pieces = {"*": ".*", "?": "."}
    return re.compile("".join(pieces.get(character, re.escape(character)) for character in text), re.DOTALL)
