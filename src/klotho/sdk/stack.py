"""`klotho.Stack`: keeps what is made in its block in one deployment stack of that name."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from klotho.application.validation import NAME
from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.names import Refusing
from klotho.sdk.recording import current
from klotho.sdk.statements import statement

_read_name = read.matching(NAME.pattern, "a name that starts with a letter and holds letters, digits, `_`, `-` and `.`")


def _keep_name(stack: Stack, arguments: Arguments) -> None:
    stack._name = arguments.values.get("name")


class Stack(Refusing):
    """`with klotho.Stack("payments"):` puts the constructs made in the block into that stack. Blocks may be nested,
    the innermost counts. `stack=` of a construct says the same for one construct and wins."""

    _spoken = "the Stack"
    _name: str | None = None
    """None when it was wrong, which is reported already."""

    @statement(_keep_name, "klotho.Stack", name=_read_name)
    def __init__(self, name: str) -> None:
        """A deployment stack by its short name, for example `"payments"`: letters, digits, `_`, `-`, `.`."""

    def __enter__(self) -> Stack:
        current().stacks.append(self._name or "")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stacks = current().stacks
        if stacks:
            stacks.pop()


def read_stack(value: Any) -> str | None:
    """For `stack=`: the stack's name, given as text or as a Stack."""
    return value._name if isinstance(value, Stack) else _read_name(value)
