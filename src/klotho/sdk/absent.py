"""What stands for a value whose mistake has been reported already.

It absorbs whatever is done with it (attributes, calls, indexing, text), so that one mistake is one diagnostic and the
rest of the program is still checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Absent(str):
    """Empty text that answers everything with itself; it is text so that `"".join(…)` and `json.dumps` accept it."""

    __slots__ = ()

    def __new__(cls, /, *args: object, **kwargs: object) -> Absent:
        return super().__new__(cls, "")

    def __init__(self, /, *args: object, **kwargs: object) -> None:
        super().__init__()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__()

    def __getattribute__(self, name: str) -> Any:
        # Also the methods of text: `missing.format(…)` must not give an empty text that is reported again.
        return object.__getattribute__(self, name) if name.startswith("__") else self

    def __setattr__(self, name: str, value: object) -> None:
        """Absorbed: the mistake is reported where the value came from."""

    def __call__(self, /, *args: object, **kwargs: object) -> Absent:
        return self

    def __getitem__(self, key: object) -> Absent:
        return self

    def __setitem__(self, key: object, value: object) -> None:
        """Absorbed, as above."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __contains__(self, item: object) -> bool:
        return False

    def __enter__(self) -> Absent:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def __add__(self, other: object) -> Absent:
        return self

    def __mod__(self, other: object) -> Absent:
        return self

    def __mul__(self, other: object) -> Absent:
        return self

    __radd__ = __sub__ = __rsub__ = __rmul__ = __truediv__ = __or__ = __ror__ = __and__ = __add__

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "<a value whose mistake was reported>"


ABSENT = Absent()
