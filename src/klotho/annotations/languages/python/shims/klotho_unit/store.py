"""A dict whose entries are in a table when the unit is deployed, and the dict itself when it is not.

The order is that of insertion, as a dict's. Each operation is a request to the table: it waits for the answer.
"""

import os
import time
from collections.abc import MutableMapping

_SEEDED = "seeded"  # no encoded key looks like this: they are JSON
_MISSING = object()
_turn = 0


def persisted(name, local):
    return StoredDict(name, dict(local)) if os.environ.get("KLOTHO_UNIT") else local


def _now():
    """Sortable; entries made by one process keep their order also within a microsecond."""
    global _turn
    _turn = (_turn + 1) % 1_000_000
    return f"{time.time_ns() // 1000:018d}-{_turn:06d}"


class StoredDict(MutableMapping):
    def __init__(self, name, initial):
        self._name, self._initial, self._found = name, initial, None

    def __getitem__(self, key):
        item = self._table().get({"key": _encode(key)}, consistent=True)
        if item is None:
            raise KeyError(key)
        return _decode(item["value"])

    def __setitem__(self, key, value):
        table, wanted, text = self._table(), _encode(key), _encode(value)
        while True:  # a new entry gets its place in the order, one that is there keeps it
            if _first(table, {"key": wanted, "value": text, "order": _now()}):
                return
            if _unless_refused(
                lambda: table.update(
                    {"key": wanted}, set={"value": text}, condition="attribute_exists(#k)", names={"#k": "key"}
                )
            ):
                return

    def __delitem__(self, key):
        if self._table().delete({"key": _encode(key)}) is None:
            raise KeyError(key)

    def __contains__(self, key):
        return self._table().get({"key": _encode(key)}, consistent=True) is not None

    def __iter__(self):
        return iter([_decode(item["key"]) for item in self._items()])

    def __len__(self):
        return len(self._items())

    def __repr__(self):
        return repr(self.copy())

    def __or__(self, other):
        return self.copy() | other

    def items(self):
        return [(_decode(item["key"]), _decode(item["value"])) for item in self._items()]

    def values(self):
        return [value for _, value in self.items()]

    def keys(self):
        return [_decode(item["key"]) for item in self._items()]

    def pop(self, key, default=_MISSING):
        item = self._table().delete({"key": _encode(key)})
        if item is not None:
            return _decode(item["value"])
        if default is _MISSING:
            raise KeyError(key)
        return default

    def clear(self):
        for item in self._items():
            self._table().delete({"key": item["key"]})

    def copy(self):
        return dict(self.items())

    def _items(self):
        found = [item for item in self._table().scan(consistent=True) if item["key"] != _SEEDED]
        return sorted(found, key=lambda item: item["order"])

    def _table(self):
        if self._found is None:
            import klotho

            found = klotho.config.datastores.get(self._name)
            # What the dict began with is put in once, by whichever process comes first; not again after it was deleted.
            if self._initial and _first(found, {"key": _SEEDED}):
                for key, value in self._initial.items():
                    _first(found, {"key": _encode(key), "value": _encode(value), "order": _now()})
            self._found = found
        return self._found


def _encode(value):
    from klotho_unit.encoding import encode

    return encode(value)


def _decode(text):
    from klotho_unit.encoding import decode

    return decode(text)


def _first(table, item):
    return _unless_refused(lambda: table.put(item, if_absent=True))


def _unless_refused(write):
    from klotho.runtime.errors import ConditionFailedError

    try:
        write()
    except ConditionFailedError:
        return False
    return True
