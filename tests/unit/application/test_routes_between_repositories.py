"""Which routes two repositories may not both attach to one API."""

from __future__ import annotations

from typing import Any

import pytest

from klotho.application.routes import contested


def route(text: str) -> dict[str, Any]:
    """`GET,POST /users`, or `/users` for all methods."""
    methods, _, path = text.rpartition(" ")
    return {"route": path, **({"methods": methods.split(",")} if methods else {})}


@pytest.mark.parametrize(
    ("one", "other", "request_"),
    [
        ("/users", "/users", "/users"),
        ("/users/{id}", "/users/{name}", "/users/{id}"),
        ("GET /users", "/users", "GET /users"),
        ("GET,POST /users", "POST,PUT /users", "POST /users"),
        ("/users/{id}", "GET /users/new", "GET /users/new"),
        ("/{kind}/new", "/users/{id}", "/users/new"),
        ("/users/{id}", "/{kind}/new/x", "/users/new/x"),
        ("/", "/", "/"),
    ],
)
def test_routes_that_want_the_same_requests_are_contested_whoever_is_asked_first(
    one: str, other: str, request_: str
) -> None:
    assert contested(route(one), route(other)) == request_
    assert contested(route(other), route(one)) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/", "/billing"),
        ("/users", "/users/{id}/invoices"),
        ("/users/{id}", "/users/new/invoices"),
        ("GET /users", "POST /users"),
        ("GET /users/{id}", "POST /users/new"),
        ("/users", "/invoices"),
        ("/users/{id}/a", "/users/{id}/b"),
    ],
)
def test_a_longer_route_below_another_one_other_methods_and_other_places_are_not(one: str, other: str) -> None:
    assert contested(route(one), route(other)) is None
    assert contested(route(other), route(one)) is None


def test_what_no_program_of_ours_says_is_read_as_all_methods() -> None:
    assert contested({"route": "/a", "methods": 3}, {"route": "/a", "methods": {"x": 1}}) == "/a"
