"""Routes of net/http, chi and gin."""

from __future__ import annotations

from typing import Any

from klotho.annotations.findings import Served
from klotho.annotations.languages.go.modules import GoFile
from klotho.annotations.languages.go.packages import Packages


def served(packages: Packages, file: GoFile, handler: Any) -> Served | None:
    """What an expression serves; None where it is of no framework known here."""
    return None
