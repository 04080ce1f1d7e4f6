"""`Compute`, `Databases`, `Messaging` and `Storage`: where constructs are found.

A new one is one line here and its name in `names.NOW`.
"""

from __future__ import annotations

from typing import TypeAlias

from klotho.sdk.auth import OIDC as _OIDC
from klotho.sdk.auth import UserPool as _UserPool
from klotho.sdk.bucket import Bucket as _Bucket
from klotho.sdk.container import Container as _Container
from klotho.sdk.function import Function as _Function
from klotho.sdk.key_value import KeyValue as _KeyValue
from klotho.sdk.mysql import MySQL as _MySQL
from klotho.sdk.names import Namespace
from klotho.sdk.postgres import Postgres as _Postgres
from klotho.sdk.queue import Queue as _Queue
from klotho.sdk.redis import Redis as _Redis
from klotho.sdk.topic import Topic as _Topic


class Auth(metaclass=Namespace):
    """Who signs callers in."""

    OIDC: TypeAlias = _OIDC
    UserPool: TypeAlias = _UserPool


class Compute(metaclass=Namespace):
    """What runs code."""

    Container: TypeAlias = _Container
    Function: TypeAlias = _Function


class Databases(metaclass=Namespace):
    """What keeps data."""

    KeyValue: TypeAlias = _KeyValue
    MySQL: TypeAlias = _MySQL
    Postgres: TypeAlias = _Postgres
    Redis: TypeAlias = _Redis


class Messaging(metaclass=Namespace):
    """What carries messages."""

    Queue: TypeAlias = _Queue
    Topic: TypeAlias = _Topic


class Storage(metaclass=Namespace):
    """What keeps files."""

    Bucket: TypeAlias = _Bucket
