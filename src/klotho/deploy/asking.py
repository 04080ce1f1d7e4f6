"""What the cloud is being asked just now, for whoever sees to it that nobody waits in silence.

Input: what each thread asks, in words, for as long as it does. Output: the questions that are open, oldest first. One
list a process, since a process runs one command. Refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Question:
    """One thing that is asked; two are never the same."""

    __slots__ = ("words",)

    def __init__(self, words: str) -> None:
        self.words = words


_open: list[Question] = []


@contextmanager
def asking(words: str) -> Iterator[None]:
    """While something is asked: `reading what is deployed`."""
    question = Question(words)
    _open.append(question)  # one operation of a list is atomic: no lock that Ctrl-C could leave taken
    try:
        yield
    finally:
        _open.remove(question)


def open_questions() -> tuple[Question, ...]:
    return tuple(_open)
