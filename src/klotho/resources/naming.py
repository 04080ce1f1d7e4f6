"""The one encoder of names: from what the user wrote to what a place allows.

Every encoding is injective (`a_b` and `a-b` differ) and bounded in length: a text that would not come through unchanged
gets a hash of the original appended.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
_DASHED = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORDS = re.compile(r"[A-Za-z0-9]+")


def short_hash(text: str, length: int = 6) -> str:
    """Lower-case hexadecimal characters that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


@lru_cache(maxsize=65536)
def pascal(name: str) -> str:
    """`orders_db` → `OrdersDb`; anything that is not lower snake case gets a hash: `orders-db` → `OrdersDb1f0c2a`."""
    text = "".join(word[0].upper() + word[1:] for word in _WORDS.findall(name))
    if _SNAKE.fullmatch(name):
        return text
    return f"{text if text[:1].isalpha() else 'N' + text}{short_hash(name)}"


@lru_cache(maxsize=65536)
def dashed(name: str, limit: int = 40) -> str:
    """For DNS labels and stack names: `orders` stays, `Orders_DB` → `orders-db-3b8d11`; at most `limit` characters."""
    if _DASHED.fullmatch(name) and len(name) <= limit:
        return name
    text = "-".join(_WORDS.findall(name)).lower()
    if not text[:1].isalpha():
        text = f"n{text}"
    return f"{text[: limit - 7].rstrip('-')}-{short_hash(name)}"


def stack_name(project: str, application: str, environment: str, stack: str) -> str:
    """The CloudFormation stack's name, at most 128 characters: the parts joined by two dashes, which no part holds."""
    return stack_prefix(project, application, environment) + dashed(stack, 40)


def project_stack_name(project: str, environment: str, stack: str) -> str:
    """The CloudFormation name of a stack that all applications of a project use: no application has an empty name."""
    return f"{dashed(project, 26)}--{dashed(environment, 26)}--{dashed(stack, 40)}"


def project_stack_prefix(project: str, template: str) -> str:
    """What the names of the project's stacks begin with in all environments made of one template."""
    return f"{dashed(project, 26)}--{dashed(template, 26)}-"


def stack_prefix(project: str, application: str, environment: str) -> str:
    """What the names of all stacks of an application begin with, in one environment."""
    parts = (project, application, environment)
    return "".join(f"{dashed(part, limit)}--" for part, limit in zip(parts, (26, 30, 26), strict=True))


@lru_cache(maxsize=65536)
def environment_suffix(name: str) -> str:
    """The tail of an environment variable: `users_db` → `USERS_DB`; `users-db` → `USERS_DB_0FA3C1`."""
    text = "_".join(_WORDS.findall(name)).upper()
    return text if _SNAKE.fullmatch(name) else f"{text}_{short_hash(name).upper()}"


@lru_cache(maxsize=65536)
def database_name(name: str) -> str:
    """A database on a PostgreSQL or MySQL server: letters, digits and `_`, at most 63, starting with a letter."""
    text = re.sub(r"[^a-z0-9_]", "_", name.lower())[:56]
    unchanged = text == name
    return text if unchanged else f"{text}_{short_hash(name)}"


def login_name(name: str, digest: str) -> str:
    """A login in a SQL database: up to 32 characters (MySQL's limit; PostgreSQL cuts at 63) of a-z, 0-9 and `_`.

    `digest`, in hexadecimal, tells logins of equal names apart.
    """
    readable = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:19].rstrip("_")
    return f"{readable if readable[:1].isalpha() else f'u{readable}'[:19]}_{digest[:12]}"


def logical_id(name: str, role: str) -> str:
    """The id inside a template: `orders` and `task-role` → `OrdersTaskRole`."""
    return pascal(name) + "".join(word.capitalize() for word in role.split("-"))
