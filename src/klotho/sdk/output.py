"""Values of a construct that are known once it is deployed: `orders.url`.

Input: attribute access on a construct; output: text holding a token that the engine resolves. Because an output is
text, f-strings, `+`, `join` and `json.dumps` work with it.
"""

from __future__ import annotations

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
