"""The most specific route answers, as AWS selects it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klotho.localcloud.planes.gateway.routes import RouteKeyError, RouteTable, parse

_DOCS = ["GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default"]
"""The routes of AWS's own example."""


def found(routes: list[str], method: str, path: str) -> tuple[str | None, dict[str, str]]:
    match = RouteTable({key: key for key in routes}).match(method, path[1:].split("/"))
    return (None, {}) if match is None else (match.target, dict(match.parameters))


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_awss_own_example_selects_as_its_documentation_says(
    method: str, path: str, route: str, parameters: dict[str, str]
) -> None:
    assert found(_DOCS, method, path) == (route, parameters)


@pytest.mark.parametrize(
    ("routes", "method", "path", "route"),
    [
        (["GET /a", "ANY /a"], "GET", "/a", "GET /a"),
        (["GET /a", "ANY /a"], "PUT", "/a", "ANY /a"),
        (["GET /a/{x}", "ANY /a/b"], "GET", "/a/b", "ANY /a/b"),
        (["POST /a/b", "GET /a/{x}"], "GET", "/a/b", "GET /a/{x}"),
        (["GET /{x}/b", "GET /a/{p+}"], "GET", "/a/b", "GET /{x}/b"),
        (["GET /a/{p+}", "GET /{p+}"], "GET", "/a/b/c", "GET /a/{p+}"),
        (["POST /a/{p+}", "GET /{p+}"], "GET", "/a/b/c", "GET /{p+}"),
        (["GET /a/{x}/c", "GET /{y}/b/d"], "GET", "/a/b/d", "GET /{y}/b/d"),
        (["GET /a"], "GET", "/a/", None),
        (["GET /a"], "GET", "/b", None),
        (["GET /a"], "POST", "/a", None),
        (["GET /a/{x}"], "GET", "/a/", None),
        (["GET /a/{p+}"], "GET", "/a", None),
        (["GET /"], "GET", "/", "GET /"),
    ],
)
def test_fixed_text_wins_over_a_variable_and_a_method_over_any(
    routes: list[str], method: str, path: str, route: str | None
) -> None:
    assert found(routes, method, path)[0] == route


@pytest.mark.parametrize(
    "key",
    ["", "GET", "GET a", "get /a", "FETCH /a", "/a", "GET /a/", "GET /a{x}", "GET /{p+}/a", "GET /{x}/{x}", "GET /{}"],
)
def test_a_key_that_api_gateway_would_not_take_is_refused(key: str) -> None:
    with pytest.raises(RouteKeyError):
        parse(key)


def test_keys_that_answer_the_same_requests_have_one_shape() -> None:
    assert parse("GET /a/{x}").shape == parse("GET /a/{y}").shape
    assert parse("GET /a/{x}").shape != parse("GET /a/{x+}").shape != parse("GET /a/x").shape


_segment = st.sampled_from(["a", "b", "{x}", "{y}"])
_route = st.tuples(st.sampled_from(["GET", "POST", "ANY"]), st.lists(_segment, min_size=1, max_size=3), st.booleans())
_path = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=4)


def _key(route: tuple[str, list[str], bool]) -> str:
    method, segments, greedy = route
    named = [segment if segment in "ab" else f"{{v{at}}}" for at, segment in enumerate(segments)]
    return f"{method} /{'/'.join([*named, '{rest+}'] if greedy else named)}"


def _answers(key: str, method: str, segments: list[str]) -> bool:
    """Whether a route alone answers a request: said a second time, as simply as possible."""
    wanted, _, path = key.partition(" ")
    pattern = path[1:].split("/")
    if wanted not in (method, "ANY"):
        return False
    if pattern[-1] == "{rest+}":
        pattern.pop()
        if len(segments) <= len(pattern) or segments[len(pattern) :] == [""]:
            return False
        segments = segments[: len(pattern)]
    return len(pattern) == len(segments) and all(
        bool(have) if want.startswith("{") else want == have for want, have in zip(pattern, segments, strict=True)
    )


@given(routes=st.lists(_route, max_size=6), method=st.sampled_from(["GET", "POST"]), segments=_path)
def test_some_route_is_found_exactly_when_one_answers_and_full_matches_come_first(
    routes: list[tuple[str, list[str], bool]], method: str, segments: list[str]
) -> None:
    keys = sorted({_key(route) for route in routes})
    match = RouteTable({key: key for key in keys}).match(method, segments)
    answering = [key for key in keys if _answers(key, method, segments)]
    if match is None:
        assert answering == []
    else:
        assert match.target in answering
        if any("+}" not in key for key in answering):
            assert "+}" not in match.target
