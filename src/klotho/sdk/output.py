"""Values of a construct that are known once it is deployed: `orders.url`.

Input: attribute access on a construct; output: text holding a token that the engine resolves. Because an output is
text, f-strings, `+`, `join` and `json.dumps` work with it. Refuses arithmetic and comparisons: nothing is known of the
value while the program runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, overload

from klotho.application import ConstructId, OutputRef, token
from klotho.sdk.absent import ABSENT

if TYPE_CHECKING:
    from klotho.sdk.construct import Construct


_SECRETS: set[tuple[str, str]] = set()


def is_secret(reference: OutputRef) -> bool:
    """Whether an output must not be written anywhere in clear text."""
    return (reference.construct.partition("/")[0], reference.output) in _SECRETS


def declare_outputs(kind: str, cls: type) -> None:
    """Remember which outputs of a kind are secret."""
    outputs = [item for item in vars(cls).values() if isinstance(item, OutputAttribute)]
    _SECRETS.update((kind, item.name) for item in outputs if item.secret)


class Output(str):
    """Text that stands for a deployed value; use it in `environment=`."""

    __slots__ = ("construct", "output")

    construct: ConstructId
    output: str

    @classmethod
    def of(cls, construct: ConstructId, output: str) -> Output:
        self = cls(token(construct, output))
        self.construct, self.output = construct, output
        return self

    def __add__(self, other: Any) -> Any:
        return str.__add__(self, other) if isinstance(other, str) else self._refuse("be added to", other)

    def __radd__(self, other: Any) -> Any:
        return str.__add__(other, self) if isinstance(other, str) else self._refuse("be added to", other)

    def __mod__(self, other: Any) -> Any:
        return self._refuse("be calculated with", other)

    __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__
    __pow__ = __rpow__ = __divmod__ = __rdivmod__ = __mod__

    def __neg__(self) -> Any:
        return self._refuse("be calculated with")

    __abs__ = __pos__ = __invert__ = __neg__

    def __rmod__(self, other: Any) -> Any:
        return str.__mod__(other, (self,)) if isinstance(other, str) else self._refuse("be calculated with", other)

    def __int__(self) -> int:
        self._refuse("become a number")
        return 0

    __index__ = __int__

    def __float__(self) -> float:
        self._refuse("become a number")
        return 0.0

    # Comparisons made by libraries and by Klotho itself (to find it in a dict, say) are those of text.

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) if _is_ours(other) else self._compare(other)

    def __ne__(self, other: object) -> bool:
        return str.__ne__(self, other) if _is_ours(other) else self._compare(other)

    def __lt__(self, other: Any) -> bool:
        return str.__lt__(self, other) if _is_ours(other) else self._compare(other)

    def __le__(self, other: Any) -> bool:
        return str.__le__(self, other) if _is_ours(other) else self._compare(other)

    def __gt__(self, other: Any) -> bool:
        return str.__gt__(self, other) if _is_ours(other) else self._compare(other)

    def __ge__(self, other: Any) -> bool:
        return str.__ge__(self, other) if _is_ours(other) else self._compare(other)

    def __contains__(self, other: Any) -> bool:
        return str.__contains__(self, other) if _is_ours(other) else self._refuse_search(other)

    def startswith(self, other: Any, *places: Any) -> bool:
        return str.startswith(self, other, *places) if _is_ours(other) else self._refuse_search(other)

    def endswith(self, other: Any, *places: Any) -> bool:
        return str.endswith(self, other, *places) if _is_ours(other) else self._refuse_search(other)

    __hash__ = str.__hash__

    def _compare(self, other: object) -> bool:
        self._refuse("be compared with", other)
        return False

    def _refuse_search(self, other: object) -> bool:
        self._refuse("be searched for", other)
        return False

    def _refuse(self, what: str, other: object = None) -> Any:
        """Report what can't be done with it; the answer absorbs what is done with the answer."""
        from klotho.sdk.readers import printable, shown
        from klotho.sdk.recording import current

        recording = current()
        kind, _, name = self.construct.partition("/")
        with_what = f" {shown(other)}" if other is not None else "" if what == "become a number" else " anything"
        recording.report.error(
            "value-known-at-deploy",
            f'the {self.output} of {kind} "{printable(name)}" can\'t {what}{with_what}: it is known only at deploy',
            recording.sources.here(),
            notes=["this program describes what to deploy, and runs before any of it exists"],
            helps=['put it into `environment=` as it is, or into text (`f"{…}"`), and calculate in the service'],
        )
        return ABSENT


def _is_ours(other: object) -> bool:
    """Whether a comparison two frames up is not the user's own, or is one between outputs."""
    from klotho.sdk.source import is_users

    return isinstance(other, Output) or not is_users(sys._getframe(2).f_code.co_filename)


class OutputAttribute:
    """Declares an output of a construct class: `url = OutputAttribute()`."""

    def __init__(self, *, secret: bool = False) -> None:
        """`secret`: the value must not be written into an environment variable, a template or a plan."""
        self.secret = secret
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> OutputAttribute: ...

    @overload
    def __get__(self, instance: Construct, owner: type) -> Output: ...

    def __get__(self, instance: Construct | None, owner: type) -> Any:
        if instance is None:
            return self
        made = instance._made
        return ABSENT if made is None else Output.of(made.id, self.name)
