"""Requests of web pages: exactly what a bucket's CORS configuration allows.

Input: the bucket's settings, origin, method and headers a page wants. Output: the headers that let the browser go on,
or None. As on AWS the first rule that matches decides; a preflight is matched by the method it asks for.

Source: S3 User Guide, "Using cross-origin resource sharing (CORS)", "How does Amazon S3 evaluate the CORS
configuration on a bucket?".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from klotho.localcloud.services.object_store import Bucket

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")


def allowed(
    bucket: Bucket | None, origin: str, method: str, wanted: str | None, *, preflight: bool
) -> dict[str, str] | None:
    """`wanted`: Access-Control-Request-Headers of a preflight. None when no rule allows it."""
    settings = {} if bucket is None else bucket.settings.get("CorsConfiguration") or {}
    names = [name.strip().lower() for name in (wanted or "").split(",") if name.strip()]
    for rule in settings.get("CorsRules") or ():
        if _matches(rule, origin, method, names):
            return _answer(rule, origin, names, preflight)
    return None


def _matches(rule: Mapping[str, Any], origin: str, method: str, names: list[str]) -> bool:
    return (
        any(_like(origin, pattern) for pattern in rule.get("AllowedOrigins") or ())
        and method in (rule.get("AllowedMethods") or ())
        and all(any(_like(name, str(p).lower()) for p in rule.get("AllowedHeaders") or ()) for name in names)
    )


def _like(value: str, pattern: str) -> bool:
    """`*` stands for any characters, nothing else is special."""
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch(".*".join(parts), value, re.DOTALL) is not None


def _answer(rule: Mapping[str, Any], origin: str, names: list[str], preflight: bool) -> dict[str, str]:
    anyone = "*" in (rule.get("AllowedOrigins") or ())
    headers = {
        "access-control-allow-origin": "*" if anyone else origin,
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    if not anyone:
        headers["access-control-allow-credentials"] = "true"
    exposed = rule.get("ExposedHeaders") or ()
    if exposed:
        headers["access-control-expose-headers"] = ", ".join(map(str, exposed))
    if preflight:
        headers["access-control-allow-methods"] = ", ".join(map(str, rule.get("AllowedMethods") or ()))
        if names:
            headers["access-control-allow-headers"] = ", ".join(names)
        if rule.get("MaxAge") is not None:
            headers["access-control-max-age"] = str(rule["MaxAge"])
    return headers
