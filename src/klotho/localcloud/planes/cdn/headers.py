"""Response headers policies.

Input: a `ResponseHeadersPolicyConfig`. Output: what it does to the headers of an answer. Refuses, as ValueError, the
parts that are not carried (CORS, Server-Timing).

Source: Amazon CloudFront Developer Guide, "Understand response headers policies".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Header = tuple[str, str, bool]
"""Name in lower case, value, and whether it wins over the origin's."""


@dataclass(frozen=True, slots=True)
class ResponseHeaders:
    """What is added and taken away."""

    added: tuple[Header, ...]
    removed: frozenset[str]

    def apply(self, headers: dict[str, str]) -> None:
        """Headers of the origin are removed first, as AWS does."""
        for name in self.removed & headers.keys():
            del headers[name]
        for name, value, wins in self.added:
            if wins or name not in headers:
                headers[name] = value


def response_headers(config: Mapping[str, Any]) -> ResponseHeaders:
    """The policy; ValueError for what is not carried."""
    for name in ("CorsConfig", "ServerTimingHeadersConfig"):
        if config.get(name):
            raise ValueError(f"{name} is not supported by the local cloud yet")
    added = _security(config.get("SecurityHeadersConfig") or {})
    for item in (config.get("CustomHeadersConfig") or {}).get("Items") or ():
        added.append((str(item["Header"]).lower(), str(item["Value"]), _wins(item)))
    removed = (config.get("RemoveHeadersConfig") or {}).get("Items") or ()
    return ResponseHeaders(tuple(added), frozenset(str(item["Header"]).lower() for item in removed))


def _security(config: Mapping[str, Any]) -> list[Header]:
    added: list[Header] = []
    if found := config.get("ContentSecurityPolicy"):
        added.append(("content-security-policy", str(found["ContentSecurityPolicy"]), _wins(found)))
    if found := config.get("ContentTypeOptions"):
        added.append(("x-content-type-options", "nosniff", _wins(found)))
    if found := config.get("FrameOptions"):
        added.append(("x-frame-options", str(found["FrameOption"]), _wins(found)))
    if found := config.get("ReferrerPolicy"):
        added.append(("referrer-policy", str(found["ReferrerPolicy"]), _wins(found)))
    if found := config.get("StrictTransportSecurity"):
        value = f"max-age={int(found['AccessControlMaxAgeSec'])}"
        value += "; includeSubDomains" if _true(found.get("IncludeSubdomains")) else ""
        value += "; preload" if _true(found.get("Preload")) else ""
        added.append(("strict-transport-security", value, _wins(found)))
    if found := config.get("XSSProtection"):
        value = "1" if _true(found.get("Protection")) else "0"
        value += "; mode=block" if _true(found.get("ModeBlock")) else ""
        value += f"; report={found['ReportUri']}" if found.get("ReportUri") else ""
        added.append(("x-xss-protection", value, _wins(found)))
    return added


def _wins(item: Mapping[str, Any]) -> bool:
    return _true(item.get("Override"))


def _true(value: object) -> bool:
    return str(value).lower() == "true"
