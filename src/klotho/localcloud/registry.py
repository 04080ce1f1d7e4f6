"""Handlers by resource type, where every `Custom::<name>` is a custom resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klotho.catalogue.facts import CUSTOM_RESOURCE, is_custom
from klotho.localcloud.handler import Handler


class Registry(Mapping[str, Handler]):
    """The handlers of one local cloud; KeyError for a type that has none."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    def __getitem__(self, type_name: str) -> Handler:
        found = self._handlers.get(type_name)
        if found is None and is_custom(type_name):
            return self._handlers[CUSTOM_RESOURCE]
        return self._handlers[type_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers)

    def __len__(self) -> int:
        return len(self._handlers)
