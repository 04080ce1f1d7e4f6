"""`API`: routes that reach services over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from klotho.application import OutputRef, parse_text
from klotho.application.routes import METHODS, parse_route
from klotho.diagnostics import did_you_mean
from klotho.sdk import readers as read
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack
from klotho.sdk.statements import verb

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
"""RFC 6749, 3.3: a scope token."""
_IDENTITY = re.compile(r"(header|query)\.[A-Za-z0-9_-]+")
_read_plain_origin = read.matching(r"\*|https?://[^\s/]+", "`*` or an origin such as `https://shop.example`")


def _read_origin(value: Any) -> str:
    """An origin, or the `url` of a site, which is one."""
    plain = read.text(value)
    pieces = parse_text(plain)
    if len(pieces) == 1 and isinstance(pieces[0], OutputRef) and pieces[0].output == "url":
        return plain
    origin: str = _read_plain_origin(plain)
    return origin


def _read_cors(value: Any) -> bool | list[str]:
    if isinstance(value, bool):
        return value
    origins = read.texts([value] if isinstance(value, str) else value)
    return [read.inside(_read_origin, origin, f"[{index}]") for index, origin in enumerate(origins)]


def _read_route(value: Any) -> str:
    route = read.text(value)
    problem = parse_route(route).problem
    if problem is not None:
        helps = (f'write `route="/{route}"`',) if parse_route("/" + route).problem is None else ()
        why = f'a route such as `/orders/{{id}}`, and "{read.printable(route)}" is none: {problem}'
        raise read.Wrong(read.Problem(why, None, helps, code="bad-route"))
    return route


_read_path = read.matching(
    r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?", "a path such as `/authorize`"
)


def _read_methods(value: Any) -> list[str]:
    """Methods in capitals, each once."""
    given = read.texts([value] if isinstance(value, str) else value)
    if not given:
        raise read.wrong("a list with at least one HTTP method", value, "leave out `methods=` to serve all")
    for index, method in enumerate(given):
        if method.upper() not in METHODS:
            hint = "leave out `methods=` to serve all" if method.upper() in ("ANY", "ALL", "*") else None
            raise read.wrong(
                f"an HTTP method ({', '.join(METHODS)})",
                method,
                hint or did_you_mean(method, METHODS),
                where=f"[{index}]",
            )
    return list(dict.fromkeys(method.upper() for method in given))


def _read_scopes(value: Any) -> list[str]:
    given = read.texts([value] if isinstance(value, str) else value)
    if not given or not all(_SCOPE.fullmatch(scope) for scope in given):
        raise read.wrong('a list of scopes such as `["orders/write"]`', value, "leave it out to ask for none")
    return list(dict.fromkeys(given))


def _read_identity(value: Any) -> list[str]:
    """Header names in lower case; query names as they are."""
    given = read.texts([value] if isinstance(value, str) else value)
    if not given or not all(_IDENTITY.fullmatch(source) for source in given):
        raise read.wrong('a list such as `["header.authorization"]` or `["query.token"]`', value)
    return list(dict.fromkeys(item.lower() if item.startswith("header.") else item for item in given))


class API(Construct):
    """An HTTP API: routes to containers and functions."""

    KIND = "API"

    url = OutputAttribute()
    """Where it is reached: `https://…` on AWS, without a trailing slash."""

    @described(public=read.truth, cors=_read_cors)
    def __init__(
        self,
        name: str,
        *,
        public: bool | None = None,
        cors: bool | Sequence[str] | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe an API.

        Args:
            name: letters, digits, `_`, `-`, `.`, starting with a letter.
            public: False makes it reachable inside the project's network only. Default: True.
            cors: True lets web pages of any origin call it, a list only those: `["https://shop.example"]` or
                `[site.url]`. Default: none may.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the id or ARN of an API, of a private one the ARN of its listener, to use as it is, never to
                change; more is said as `Existing(…)`; or by environment: `{"prod": "…"}`.
        """

    @verb(route=_read_route, methods=_read_methods, public=read.truth)
    def attach_service(
        self,
        service: Construct,
        route: str = "/",
        methods: Sequence[str] | str | None = None,
        *,
        public: bool | None = None,
    ) -> None:
        """Serve a route, and everything below it, by a container or a function; the service sees the full path.

        Args:
            service: a container or a function.
            route: starts with `/`; parameters are written `{id}`: `"/orders/{id}"`. Default: everything.
            methods: `["GET", "POST"]`. Default: all.
            public: True lets everybody call it although the API `authenticates_with` somebody. Default: False.
        """

    @verb(
        route=_read_route,
        methods=_read_methods,
        scopes=_read_scopes,
        identity=_read_identity,
        cache=read.whole(0, 3600, unit="seconds"),
        ask=_read_path,
    )
    def authenticates_with(
        self,
        auth: Construct,
        route: str = "/",
        methods: Sequence[str] | str | None = None,
        scopes: Sequence[str] | str | None = None,
        *,
        identity: Sequence[str] | str | None = None,
        cache: int | None = None,
        ask: str | None = None,
    ) -> None:
        """Let in only callers that `auth` vouches for; the others get 401, or 403 where a scope is missing.

        Said several times, the most specific route wins. Inside the service, `klotho.config.caller(…)` is who called.

        Args:
            auth: an `Auth.OIDC` or `Auth.UserPool`, whose token stands in the header `Authorization`; or a function
                of your own, which is asked about each request and answers `{"isAuthorized": True, "context": {…}}`; or
                a container, which is asked by a GET with the request's headers and answers 2xx, 401 or 403.
            route: this route and everything below it. Default: the whole API.
            methods: `["POST", "DELETE"]`. Default: all.
            scopes: the token must have one of these in its `scope` or `scp`. Default: none is asked for.
            identity: with a function or container: where a request says who it is from, `"header.x-api-key"` or
                `"query.token"`; a request without it is refused unasked. Default: `["header.authorization"]`.
            cache: with a function or container: seconds its answer holds for the same identity and route, 0 to 3600.
                Default: 0, it is asked each time.
            ask: with a container: the path at which it is asked. Default: `"/authorize"`.
        """

    def _verb_defaults(self, verb: str) -> Mapping[str, Any]:
        return {"route": "/"} if verb in ("attach_service", "authenticates_with") else {}
