"""How far a walk through an application goes, and where it comes to a router of another unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klotho.annotations.languages.javascript.modules import Follow, Module


@dataclass(frozen=True, slots=True)
class Reach:
    follow: Follow
    """The module of the code base that an import leads to."""
    owner: Callable[[str], str | None]
    """The unit that owns a file; None for those of nobody."""
    application: str
    """The file that listens."""
    home: str
    """Its unit."""

    def crosses(self, module: Module, unit: str) -> str | None:
        """The unit of a module that another one than `unit` owns."""
        owner = self.owner(module.path)
        return owner if owner != unit else None
