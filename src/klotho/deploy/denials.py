"""Denials in AWS's words, read.

Input: a reason of CloudFormation's or a service's message. Output: what was denied, None when it is about something
else. Refuses nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

CODES = frozenset({"AccessDenied", "UnauthorizedTaggingOperation"})
"""CloudFormation's HandlerErrorCodes of an operation that the deployer's rights do not cover."""
DENIAL_HELP = (
    "`klotho permissions` prints the policies that deploying this application needs: attach them to the deployer"
)
_SENTENCE = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<resource>[^\s\"]+))?")


class Denial(NamedTuple):
    action: str
    resource: str
    """An ARN; `every resource` for an action that has none."""


def denial(text: str) -> Denial | None:
    """The first denial that a text tells of."""
    found = _SENTENCE.search(text)
    return None if found is None else Denial(found["action"], found["resource"] or "every resource")
