"""A dict whose entries are in a table when the unit is deployed, and the dict itself when it is not.

The order is that of insertion, as a dict's. Each operation is a request to the table: it waits for the answer.
With a number of seconds an entry is gone so long after it was set, also before the table has removed it.
"""

import math
import os
import time
from collections.abc import MutableMapping

from klotho_unit.items import decode, encode, unless_refused

_SEEDED = "seeded"  # no encoded key looks like this: they are JSON
_MISSING = object()
_turn = 0


def persisted(name, local, seconds=None):
    return StoredDict(name, dict(local), seconds) if os.environ.get("KLOTHO_UNIT") else local


def _now():
    """Sortable; entries made by one process keep their order also within a microsecond."""
    global _turn
    _turn = (_turn + 1) % 1_000_000
    return f"{time.time_ns() // 1000:018d}-{_turn:06d}"


class StoredDict(MutableMapping):
    def __init__(self, name, initial, seconds):
        self._name, self._initial, self._seconds, self._found = name, initial, seconds, None

    def __getitem__(self, key):
        item = self._item(key)
        if not _is_there(item):
            raise KeyError(key)
        return decode(item["value"])

    def __setitem__(self, key, value):
        table, wanted, until = self._table(), {"key": encode(key)}, self._until()
        new = {"value": encode(value), **until}
        change = {"set": new, "remove": () if until else ("until",)}
        while True:  # a new entry gets its place in the order, one that is there keeps it
            if _first(table, {**wanted, **new, "order": _now()}):
                return
            there = _as_of_now("attribute_exists(#key) AND (attribute_not_exists(#until) OR #until > :now)")
            if unless_refused(lambda there=there: table.update(wanted, **change, **there)):
                return

    def __delitem__(self, key):
        if not _is_there(self._table().delete({"key": encode(key)})):
            raise KeyError(key)

    def __contains__(self, key):
        return _is_there(self._item(key))

    def __iter__(self):
        return iter([decode(item["key"]) for item in self._items()])

    def __len__(self):
        return len(self._items())

    def __repr__(self):
        return repr(self.copy())

    def __or__(self, other):
        return self.copy() | other

    def items(self):
        return [(decode(item["key"]), decode(item["value"])) for item in self._items()]

    def values(self):
        return [value for _, value in self.items()]

    def keys(self):
        return [decode(item["key"]) for item in self._items()]

    def pop(self, key, default=_MISSING):
        item = self._table().delete({"key": encode(key)})
        if _is_there(item):
            return decode(item["value"])
        if default is _MISSING:
            raise KeyError(key)
        return default

    def clear(self):
        for item in self._items():
            self._table().delete({"key": item["key"]})

    def copy(self):
        return dict(self.items())

    def _item(self, key):
        return self._table().get({"key": encode(key)}, consistent=True)

    def _items(self):
        items = self._table().scan(consistent=True)
        found = [item for item in items if item["key"] != _SEEDED and _is_there(item)]
        return sorted(found, key=lambda item: item["order"])

    def _table(self):
        if self._found is None:
            import klotho

            found = klotho.config.datastores.get(self._name)
            # What the dict began with is put in once, by whichever process comes first; not again after it was deleted.
            if self._initial and _first(found, {"key": _SEEDED}):
                for key, value in self._initial.items():
                    new = {"key": encode(key), "value": encode(value), "order": _now(), **self._until()}
                    _first(found, new)
            self._found = found
        return self._found

    def _until(self):
        """In whole seconds: it is what the table's own removal reads."""
        return {} if self._seconds is None else {"until": math.ceil(time.time()) + self._seconds}


def _first(table, item):
    there = _as_of_now("attribute_not_exists(#key) OR #until <= :now")
    return unless_refused(lambda: table.put(item, **there))


def _as_of_now(condition):
    return {"condition": condition, "names": {"#key": "key", "#until": "until"}, "values": {"now": time.time()}}


def _is_there(item):
    return item is not None and item.get("until", time.time() + 1) > time.time()
