"""A step after which stopping the command no longer stops what it set going.

Input: a line for the person watching. Output: an event for the sink of a deployment. Refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from klotho.deploy.events import Step


@dataclass(frozen=True, slots=True)
class Underway(Step):
    """Something begins in the cloud that goes on by itself: it starts, stops, or deletes."""
