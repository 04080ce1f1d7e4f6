"""Values as text and back: JSON, with what JSON lacks as {"$klotho": kind, "value": …}; see docs/annotations.md."""

import base64
import builtins
import dataclasses
import datetime
import decimal
import enum
import importlib
import json
import math
import traceback
import uuid

_EXACT = 2**53
"""Whole numbers beyond it are no numbers in JavaScript."""


def encode(value):
    return json.dumps(_pack(value, ()), separators=(",", ":"), ensure_ascii=False)


def decode(text):
    return _unpack(json.loads(text))


def _tagged(kind, value):
    return {"$klotho": kind, "value": value}


def _pack(value, above):
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return _tagged("enum", {"class": _name(type(value)), "value": _pack(value.value, above)})
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else _tagged("bigint", str(value))
    if isinstance(value, float):
        return (
            value
            if math.isfinite(value)
            else _tagged("number", {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN"))
        )
    if any(value is item for item in above):
        raise TypeError("a value that holds itself can't be sent or stored")
    return _pack_object(value, (*above, value))


def _pack_object(value, above):
    def every(items):
        return [_pack(item, above) for item in items]

    for kind, cls, plain in _PLAIN:
        if isinstance(value, cls):
            return _tagged(kind, plain(value))
    if isinstance(value, list):
        return every(value)
    for kind, cls in (("tuple", tuple), ("frozenset", frozenset), ("set", set)):
        if type(value) is cls:
            return _tagged(kind, every(value))
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and "$klotho" not in value:
            return {key: _pack(item, above) for key, item in value.items()}
        return _tagged("map", [every(pair) for pair in value.items()])
    if isinstance(value, BaseException):
        return _pack_error(value, above)
    fields = _fields(value)
    if fields is None:
        raise TypeError(f"a {type(value).__qualname__} can't be sent or stored")
    return _tagged(
        "instance", {"class": _name(type(value)), "fields": {key: _pack(item, above) for key, item in fields.items()}}
    )


_PLAIN = (
    ("datetime", datetime.datetime, datetime.datetime.isoformat),
    ("day", datetime.date, datetime.date.isoformat),
    ("time", datetime.time, datetime.time.isoformat),
    ("duration", datetime.timedelta, lambda value: [value.days, value.seconds, value.microseconds]),
    ("decimal", decimal.Decimal, str),
    ("uuid", uuid.UUID, str),
    ("bytes", (bytes, bytearray), lambda value: base64.b64encode(value).decode()),
)


def _fields(value):
    """Of dataclasses and pydantic's models; None for other objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(value.__dict__) if hasattr(type(value), "model_construct") else None


def _name(cls):
    return f"{cls.__module__}:{cls.__qualname__}"


def _pack_error(error, above):
    own = [[key, _pack(item, above)] for key, item in vars(error).items() if key != "__notes__"]
    return _tagged(
        "error",
        {
            "name": type(error).__name__,
            "message": str(error),
            "stack": "".join(traceback.format_exception(error)),
            "own": own,
            "class": _name(type(error)),
            "args": [_pack(item, above) for item in error.args],
        },
    )


def _unpack(value):
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$klotho" not in value:
        return {key: _unpack(item) for key, item in value.items()}
    kind, content = value["$klotho"], value.get("value")
    if kind not in _MADE:
        raise TypeError(f"a value of the unknown kind {kind} was received")
    return _MADE[kind](content)


def _unpack_error(content):
    error = _made_error(content)
    for key, item in content["own"]:
        if key not in ("cause",):
            setattr(error, key, _unpack(item))
    if hasattr(error, "add_note"):
        error.add_note(f"raised in another unit:\n{content['stack']}")
    return error


def _made_error(content):
    """Of its own class where that is known here; others are errors with the name of theirs."""
    args = [_unpack(item) for item in content.get("args", [content["message"]])]
    cls = getattr(builtins, content["name"], None)
    if "class" in content:
        try:
            cls = _class(content["class"])
        except (ImportError, AttributeError):
            cls = None
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        cls = type(content["name"], (Exception,), {})
    error = cls.__new__(cls, *args)
    error.args = tuple(args)
    return error


def _class(name):
    module, _, path = name.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _instance(content):
    cls, fields = _class(content["class"]), {key: _unpack(item) for key, item in content["fields"].items()}
    if hasattr(cls, "model_construct"):
        return cls.model_construct(**fields)
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{content['class']} is no class whose objects are stored")
    made = object.__new__(cls)
    for key, item in fields.items():
        object.__setattr__(made, key, item)
    return made


def _hashed(make, content):
    items = _unpack(content)
    try:
        return make(items)
    except TypeError:
        what = "a Set of objects or arrays" if make is set else "a Map with objects or arrays as keys"
        raise TypeError(f"{what} of JavaScript can't be read: no {make.__name__} of Python holds it") from None


_MADE = {
    "undefined": lambda content: None,
    "bigint": int,
    "number": float,
    "date": lambda content: datetime.datetime.fromisoformat(content.replace("Z", "+00:00")) if content else None,
    "datetime": datetime.datetime.fromisoformat,
    "day": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "duration": lambda content: datetime.timedelta(*content),
    "decimal": decimal.Decimal,
    "uuid": uuid.UUID,
    "bytes": base64.b64decode,
    "buffer": base64.b64decode,
    "tuple": lambda content: tuple(_unpack(content)),
    "set": lambda content: _hashed(set, content),
    "frozenset": lambda content: frozenset(_unpack(content)),
    "map": lambda content: _hashed(dict, content),
    "object": lambda content: {key: _unpack(item) for key, item in content},
    "enum": lambda content: _class(content["class"])(_unpack(content["value"])),
    "instance": _instance,
    "error": _unpack_error,
}
