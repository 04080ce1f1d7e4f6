"""What a statement keeps things in, by the name that people call it: for saying that it is not supported yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klotho.annotations.languages.go.modules import GoFile, nodes_of, text_of

LIBRARIES: Mapping[str, str] = {
    "database/sql": "database/sql",
    "github.com/aws/aws-sdk-go": "the SDK of AWS",
    "github.com/aws/aws-sdk-go-v2": "the SDK of AWS",
    "github.com/boltdb/bolt": "Bolt",
    "github.com/bradfitz/gomemcache": "gomemcache",
    "github.com/dgraph-io/badger": "Badger",
    "github.com/go-redis/redis": "go-redis",
    "github.com/gomodule/redigo": "redigo",
    "github.com/jackc/pgx": "pgx",
    "github.com/jinzhu/gorm": "GORM 1",
    "github.com/jmoiron/sqlx": "sqlx",
    "github.com/mattn/go-sqlite3": "go-sqlite3",
    "github.com/patrickmn/go-cache": "go-cache",
    "github.com/redis/go-redis": "go-redis",
    "github.com/redis/rueidis": "rueidis",
    "github.com/spf13/viper": "Viper",
    "go.etcd.io/bbolt": "bbolt",
    "go.mongodb.org/mongo-driver": "MongoDB's driver",
    "gorm.io/gorm": "GORM",
}
"""By the beginning of an import path; others are named by theirs."""
_TYPES = {"map_type": "a map", "slice_type": "a slice", "channel_type": "a channel"}


def library_of(file: GoFile, statement: Any) -> str | None:
    """What a statement makes something of: a package with the name it uses of it, or a type of Go's own."""
    for node in nodes_of(statement, ("selector_expression", "qualified_type", *_TYPES)):
        if node.type in _TYPES:
            return _TYPES[node.type]
        package, _, name = text_of(node).partition(".")
        path = file.imported(package)
        if path is None or not name.isidentifier() or path in ("context", "log"):
            continue
        if path == "sync":
            return f"`sync.{name}`"
        known = (at for at in LIBRARIES if path == at or path.startswith(f"{at}/"))
        return f"`{name}` of {LIBRARIES.get(next(known, ''), path)}"
    return None
