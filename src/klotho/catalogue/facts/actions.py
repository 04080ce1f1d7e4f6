"""What AWS publishes about IAM actions: which exist, and on which resources each can be allowed.

The facts are `actions.json` beside this module (`tools/refresh_facts.py` writes it): the actions that the handlers of
the vendored types and the deployer call. Read on first use; nothing on the compile path asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class IamAction:
    """One action of AWS's Service Authorization Reference."""

    name: str
    """`service:Action`, in the case the reference has."""
    required: tuple[str, ...]
    """ARNs with `${Variables}` of what every request names."""
    optional: tuple[str, ...]

    @property
    def scoped(self) -> bool:
        """Whether it can be allowed on single resources; otherwise only `*` works."""
        return bool(self.required or self.optional)

    def takes(self, pattern: str) -> bool:
        """Whether an ARN, perhaps with `*` in it, is one of a resource it can be allowed on."""
        return any(_shape(arn).fullmatch(pattern) for arn in (*self.required, *self.optional))


def iam_action(name: str) -> IamAction | None:
    """The action by its name in any case; None for one that AWS's reference does not have."""
    return _known().get(name.lower())


@cache
def _known() -> dict[str, IamAction]:
    document = orjson.loads((Path(__file__).parent / "actions.json").read_bytes())
    return {
        name.lower(): IamAction(name, tuple(item["required"]), tuple(item["optional"]))
        for name, item in document.items()
    }


@cache
def _shape(arn: str) -> re.Pattern[str]:
    """Matches the ARNs of this form. Names with a path may hold `/`; an id holds neither `/` nor `:`."""
    parts = re.split(r"\$\{(\w+)\}", arn)
    text = "".join(
        re.escape(part) if index % 2 == 0 else ".+" if part.endswith("WithPath") or part in _ANYTHING else "[^/:]*"
        for index, part in enumerate(parts)
    )
    return re.compile(text)


_ANYTHING = frozenset(
    {"LogGroupName", "ObjectName", "ParameterNameWithoutLeadingSlash", "ResourceId", "SecretId", "UrlEncodedResourceARN"}
)
"""Variables whose values hold `/` or `:`."""
