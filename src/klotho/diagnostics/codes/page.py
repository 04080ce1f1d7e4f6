"""The shape of a diagnostic's page."""

from typing import NamedTuple


class Page(NamedTuple):
    code: str
    what: str
    """What happened, in one or two sentences."""
    why: str
    """Why it matters."""
    fix: str
    """What to do."""
    example: str = ""
    """An infra.py that gives this code; a test runs it. Empty where no program alone can give it."""
