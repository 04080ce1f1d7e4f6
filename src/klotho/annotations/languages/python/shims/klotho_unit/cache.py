"""A cache of aiocache whose entries are in a table when the unit is deployed, and the cache itself when it is not."""

import asyncio
import os
import time

from klotho_unit.items import decode, encode, unless_refused

_UNSAID = object()


def kept(name, make):
    return (lambda *args, **options: KeptCache(name, **options)) if os.environ.get("KLOTHO_UNIT") else make


class KeptCache:
    """The methods of aiocache's caches. What is past its time is not there, also before the table has removed it."""

    def __init__(self, name, ttl=None, namespace=None, **_):
        self._name, self.ttl, self.namespace, self._found = name, ttl, namespace or "", None

    async def get(self, key, default=None, **_):
        item = await self._run(self._item, key)
        return default if item is None else decode(item["value"])

    async def multi_get(self, keys, **_):
        return list(await asyncio.gather(*(self.get(key) for key in keys)))

    async def exists(self, key, **_):
        return await self._run(self._item, key) is not None

    async def set(self, key, value, ttl=_UNSAID, **_):
        await self._run(lambda: self._table().put(self._made(key, value, ttl)))
        return True

    async def multi_set(self, pairs, ttl=_UNSAID, **_):
        await asyncio.gather(*(self.set(key, value, ttl) for key, value in pairs))
        return True

    async def add(self, key, value, ttl=_UNSAID, **_):
        if not await self._run(self._add, key, self._made(key, value, ttl)):
            raise ValueError(f"Key {self._key(key)} already exists, use .set to update the value")
        return True

    async def delete(self, key, **_):
        return 1 if await self._run(lambda: self._table().delete({"key": self._key(key)})) is not None else 0

    async def increment(self, key, delta=1, **_):
        return await self._run(self._increment, key, delta)

    async def expire(self, key, ttl, **_):
        item = await self._run(self._item, key)
        if item is None:
            return False
        await self.set(key, decode(item["value"]), ttl or None)
        return True

    async def clear(self, namespace=None, **_):
        await self._run(self._clear, namespace or self.namespace)
        return True

    async def close(self, **_):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def _run(self, work, *args):
        return await asyncio.to_thread(work, *args)

    def _key(self, key):
        return f"{self.namespace}{key}"

    def _made(self, key, value, ttl):
        item = {"key": self._key(key), "value": encode(value)}
        seconds = self.ttl if ttl is _UNSAID else ttl
        return {**item, "expires": time.time() + seconds} if seconds else item

    def _item(self, key):
        item = self._table().get({"key": self._key(key)}, consistent=True)
        return None if item is None or item.get("expires", time.time() + 1) <= time.time() else item

    def _add(self, key, item):
        there = "attribute_not_exists(#k) OR expires <= :now"
        return unless_refused(
            lambda: self._table().put(item, condition=there, names={"#k": "key"}, values={"now": time.time()})
        )

    def _increment(self, key, delta):
        while True:
            item = self._item(key)
            if item is None:
                if self._add(key, self._made(key, delta, None)):
                    return delta
                continue
            try:
                value = int(decode(item["value"])) + delta
            except ValueError:
                raise TypeError("Value is not an integer") from None
            new = {**item, "value": encode(value)}
            there = {"condition": "#v = :old", "names": {"#v": "value"}, "values": {"old": item["value"]}}
            if self._replaced(new, there):
                return value

    def _replaced(self, item, there):
        return unless_refused(lambda: self._table().put(item, **there))

    def _clear(self, namespace):
        for item in self._table().scan(consistent=True):
            if item["key"].startswith(namespace):
                self._table().delete({"key": item["key"]})

    def _table(self):
        if self._found is None:
            import klotho

            self._found = klotho.config.datastores.get(self._name)
        return self._found
