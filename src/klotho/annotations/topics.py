"""What `pubsub` means in every language: an emitter is a topic where units share it."""

from __future__ import annotations

from klotho.annotations.model import Annotation
from klotho.diagnostics import Report, Span


def refuse_listening_to_itself(annotation: Annotation, at: Span, report: Report) -> None:
    """What a class of emitters listens to in itself, each unit that has an object of it would hear."""
    message = f"the class of {annotation.title} listens to itself, which is not supported yet"
    notes = ("each unit has an object of it, and every one of them would hear",)
    helps = ("listen in the file of one unit",)
    report.error("annotation-not-yet", message, at, notes=notes, helps=helps)
