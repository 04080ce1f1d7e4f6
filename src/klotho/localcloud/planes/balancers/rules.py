"""What a listener does with a request, compiled from the deployed rules.

Input: the World and a listener. Output: `Listening`, which gives the action for a method, path and headers. Refuses
nothing: the handlers have checked the records. Source: Elastic Load Balancing, "Listener rules": in the order of their
priorities, all conditions must hold; paths are matched case-sensitively, with `*` (any characters, also none and `/`)
and `?` (one).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from klotho.localcloud.planes.gateway.request import GatewayRequest
from klotho.localcloud.world import World

RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
Action = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    paths: tuple[re.Pattern[str], ...]
    methods: frozenset[str]
    """Empty for all."""
    headers: Mapping[str, tuple[re.Pattern[str], ...]]
    """Names in lower case."""
    action: Action

    def matches(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        if self.methods and method not in self.methods:
            return False
        for name, patterns in self.headers.items():
            if not any(pattern.fullmatch(headers.get(name, "")) for pattern in patterns):
                return False
        return not self.paths or any(pattern.fullmatch(path) for pattern in self.paths)


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener's rules, the first one first."""

    rules: tuple[Rule, ...]
    default: Action

    def action(self, method: str, path: str, headers: Mapping[str, str]) -> Action:
        """`headers` with names in lower case."""
        return next((rule.action for rule in self.rules if rule.matches(method, path, headers)), self.default)


def compile_listener(world: World, arn: str, default: Action) -> Listening:
    records = [record for record in world.list(RULE) if record.properties.get("ListenerArn") == arn]
    ordered = sorted(records, key=lambda record: int(record.properties["Priority"]))
    return Listening(tuple(_rule(record.properties) for record in ordered), default)


def _rule(properties: Mapping[str, Any]) -> Rule:
    paths: list[str] = []
    methods: list[str] = []
    headers: dict[str, tuple[re.Pattern[str], ...]] = {}
    for condition in properties["Conditions"]:
        if condition["Field"] == "path-pattern":
            paths += condition["PathPatternConfig"]["Values"]
        elif condition["Field"] == "http-header":
            wanted = condition["HttpHeaderConfig"]
            # Names and values are compared without regard to case.
            patterns = tuple(re.compile(pattern_of(text).pattern, re.IGNORECASE) for text in wanted["Values"])
            headers[wanted["HttpHeaderName"].lower()] = patterns
        else:
            methods += condition["HttpRequestMethodConfig"]["Values"]
    return Rule(tuple(pattern_of(path) for path in paths), frozenset(methods), headers, properties["Actions"][0])


def location(redirect: Mapping[str, Any], request: GatewayRequest, tls_port: int) -> str:
    """Where a redirect leads; what it does not name is as it came. `tls_port`: what port 443 is here."""
    told = {
        "#{protocol}": request.scheme,
        "#{host}": (request.header(b"host") or "").partition(":")[0],
        "#{port}": (request.header(b"host") or "").partition(":")[2] or "80",
        "#{path}": request.raw_path[1:],
        "#{query}": request.query,
    }

    def part(name: str, default: str) -> str:
        text = str(redirect.get(name, default))
        for variable, value in told.items():
            text = text.replace(variable, value)
        return text

    port, query = part("Port", "#{port}"), part("Query", "#{query}")
    port = str(tls_port) if port == "443" else port
    place = f"{part('Protocol', '#{protocol}').lower()}://{part('Host', '#{host}')}:{port}"
    return f"{place}{part('Path', '/#{path}')}{f'?{query}' if query else ''}"


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    pieces = {"*": ".*", "?": "."}
    return re.compile("".join(pieces.get(character, re.escape(character)) for character in text), re.DOTALL)
