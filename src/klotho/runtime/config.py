"""`klotho.config`: what a deployed service knows of its databases, peers and other resources, by name.

Input: the environment variables that Klotho set on this service, and AWS for secrets. Output: typed objects.
Refuses, by an error that says what to do, names that were not granted and kinds it does not know. Importing this
loads nothing else.
"""

from __future__ import annotations

# `typing`, `json` and the rest are loaded by the first use, so that cold starts do not pay for them.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from klotho.runtime.bucket import Bucket, ObjectEvent
    from klotho.runtime.caller import Caller
    from klotho.runtime.datastores import MySql, Postgres
    from klotho.runtime.grants import Grant
    from klotho.runtime.inbox import Schedule
    from klotho.runtime.key_value import KeyValue
    from klotho.runtime.queue import Queue
    from klotho.runtime.redis import Redis
    from klotho.runtime.secret import Secret
    from klotho.runtime.services import Service
    from klotho.runtime.topic import Topic
    from klotho.runtime.user_pool import UserPool

__all__ = [
    "buckets",
    "caller",
    "datastores",
    "queues",
    "refresh",
    "schedules",
    "secrets",
    "services",
    "settings",
    "topics",
    "unit",
    "user_pools",
]


class Group:
    """One group of things a service can be granted; `get(name)` finds one, `names()` lists them."""

    __slots__ = ("_group",)

    def __init__(self, group: str) -> None:
        self._group = group

    def __repr__(self) -> str:
        return f"<klotho.config.{self._group}>"

    def names(self) -> list[str]:
        """The names this service was granted in this group, sorted."""
        from klotho.runtime.grants import granted

        return sorted(grant.name for grant in granted(self._group))

    def _find(self, name: str) -> Grant:
        from klotho.runtime.grants import granted

        if not isinstance(name, str):
            raise TypeError(f"klotho.config.{self._group} takes a name, a str, not {type(name).__name__}")
        for grant in granted(self._group):
            if grant.name == name:
                return grant
        from klotho.runtime.explain import unknown_name

        raise unknown_name(self._group, name)


class Datastores(Group):
    """Databases: Postgres, MySQL, Redis and KeyValue."""

    def get(self, name: str) -> Any:
        """The datastore of this name: a `Postgres`, a `MySql`, a `Redis` or a `KeyValue`.

        Raises UnknownNameError if it was not granted, WrongKindError for a kind this runtime does not know.
        Type-checked programs use `postgres`, `mysql`, `redis` and `key_value`, which say what they return.
        """
        from klotho.runtime.datastores import datastore

        return datastore(self._find(name))

    def postgres(self, name: str) -> Postgres:
        """The Postgres database of this name; WrongKindError if it is something else."""
        from klotho.runtime.datastores import postgres

        return postgres(self._find(name))

    def mysql(self, name: str) -> MySql:
        """The MySQL database of this name; WrongKindError if it is something else."""
        from klotho.runtime.datastores import mysql

        return mysql(self._find(name))

    def redis(self, name: str) -> Redis:
        """The Redis cache of this name; WrongKindError if it is something else."""
        from klotho.runtime.datastores import redis

        return redis(self._find(name))

    def key_value(self, name: str) -> KeyValue:
        """The key-value table of this name; WrongKindError if it is something else."""
        from klotho.runtime.datastores import key_value

        return key_value(self._find(name))


class Services(Group):
    """Containers and functions that this service may call."""

    def get(self, name: str) -> Service:
        """The service of this name. Raises UnknownNameError if calling it was not granted."""
        from klotho.runtime.services import Service

        return Service(self._find(name))


class Secrets(Group):
    """Secrets that this service uses."""

    def get(self, name: str) -> Secret:
        """The secret of this name. Raises UnknownNameError if it was not granted."""
        from klotho.runtime.secret import Secret

        return Secret(self._find(name))


class Queues(Group):
    """Queues that this service may send to, or receive from."""

    def get(self, name: str) -> Queue:
        """The queue of this name. Raises UnknownNameError if neither was granted."""
        from klotho.runtime.queue import queue

        return queue(self._find(name))


class Topics(Group):
    """Topics that this service may publish to, or receives from."""

    def get(self, name: str) -> Topic:
        """The topic of this name. Raises UnknownNameError if neither was granted."""
        from klotho.runtime.topic import topic

        return topic(self._find(name))


class Schedules(Group):
    """Schedules that trigger this container; a function is called at their times."""

    def get(self, name: str) -> Schedule:
        """The schedule of this name. Raises UnknownNameError if it does not trigger this service."""
        from klotho.runtime.inbox import schedule

        return schedule(self._find(name))


class Buckets(Group):
    """Buckets that this service may read or write, or whose objects trigger it."""

    def get(self, name: str) -> Bucket:
        """The bucket of this name. Raises UnknownNameError if it was not granted."""
        from klotho.runtime.bucket import bucket

        return bucket(self._find(name))

    def event(self, event: Any) -> ObjectEvent:
        """What code is told that is `triggered_by` a bucket; ValueError for any other event."""
        from klotho.runtime.bucket import ObjectEvent

        return ObjectEvent(event)


class UserPools(Group):
    """User pools that this service knows, or whose users it may read or change."""

    def get(self, name: str) -> UserPool:
        """The user pool of this name. Raises UnknownNameError if it was not granted."""
        from klotho.runtime.user_pool import UserPool

        return UserPool(self._find(name))


class Grants(Group):
    """A group whose things are plain fields, for instance `buckets.get("files")["name"]`."""

    def get(self, name: str) -> Grant:
        """What was granted under this name. Raises UnknownNameError if nothing was."""
        return self._find(name)


datastores = Datastores("datastores")
services = Services("services")
buckets = Buckets("buckets")
queues = Queues("queues")
topics = Topics("topics")
schedules = Schedules("schedules")
secrets = Secrets("secrets")
settings = Grants("settings")
user_pools = UserPools("user_pools")


def refresh() -> None:
    """Forget every secret value and service address kept in memory; the next use fetches them again."""
    from klotho.runtime.discovery import instances
    from klotho.runtime.secrets import cache

    cache.forget()
    instances.forget()


def caller(request: Any) -> Caller | None:
    """Who called, from a Lambda event or a request's headers; None when the route is open to everybody.

    `request`: the function's event, or the headers as the web framework gives them (a mapping, or pairs). They are
    believed, because the API overwrites what a client may have sent; give nothing else. CallerNotVouchedError where
    others than APIs can reach this service (they `calls` it, or come through a private API) and could say anything.
    """
    from klotho.runtime.caller import caller_of

    return caller_of(request)


def unit() -> str:
    """The name of this service in infra.py; empty when not running under Klotho."""
    from klotho.runtime.grants import this_service

    return this_service()
