"""Chickens: list, look at, offer, and ask to be told when one comes under the hammer."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import Any

import klotho
from chickens.messages import Problem, answer, body_of
from chickens.ulid import is_ulid, new_ulid
from chickens.validation import checked_chicken, checked_email

Answer = dict[str, Any]


def create_chicken(event: dict[str, Any]) -> Answer:
    chicken = {"id": new_ulid(), **checked_chicken(body_of(event))}
    # All chickens share one value of `list`, so that one query of the index finds them in order; the id makes it total.
    place = {"list": "chickens", "breed_order": f"{chicken['breed'].lower()}#{chicken['id']}"}
    klotho.config.datastores.get("chickens_db").put(chicken | place, if_absent=True)
    return answer(201, {"id": chicken["id"]})


def list_chickens(event: dict[str, Any]) -> Answer:
    found = klotho.config.datastores.get("chickens_db").query({"list": "chickens"}, index="by_breed")
    return answer(200, {"items": [pick(chicken, "id", "breed", "sex") for chicken in found]})


def get_chicken(event: dict[str, Any], chicken_id: str) -> Answer:
    return answer(200, pick(existing_chicken(chicken_id), "id", "breed", "color", "sex", "hatchDate"))


def subscribe(event: dict[str, Any], chicken_id: str) -> Answer:
    email = checked_email(body_of(event))
    existing_chicken(chicken_id)
    # The key is the pair, so asking twice is the same as asking once.
    klotho.config.datastores.get("subscriptions_db").put({"chicken_id": chicken_id, "email": email})
    return answer(204)


def existing_chicken(chicken_id: str) -> dict[str, Any]:
    chicken = None
    if is_ulid(chicken_id):
        chicken = klotho.config.datastores.get("chickens_db").get({"id": chicken_id}, consistent=True)
    if chicken is None:
        raise Problem(404, "no such chicken")
    return dict(chicken)


def pick(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("POST", r"/chickens", create_chicken),
    ("GET", r"/chickens", list_chickens),
    ("GET", r"/chickens/([^/]+)", get_chicken),
    ("POST", r"/chickens/([^/]+)/alerts", subscribe),
)


def handler(event: dict[str, Any], context: object) -> Answer:
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    try:
        for wanted, pattern, serve in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == wanted:
                return serve(event, *match.groups())
        raise Problem(404, "no such page")
    except Problem as problem:
        return answer(problem.status, {"message": str(problem)})
    except Exception:  # what went wrong is for the log, not for the caller
        traceback.print_exc()
        return answer(500, {"message": "something went wrong here"})
