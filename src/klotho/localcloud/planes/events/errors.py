"""What EventBridge refuses."""

from __future__ import annotations


class InvalidPatternError(ValueError):
    """An event pattern AWS would not take; the text continues "Event pattern is not valid. Reason: "."""


class InvalidInputError(ValueError):
    """A target's InputPath or InputTransformer AWS would not take."""
