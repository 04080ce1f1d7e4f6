"""Who may reach into a running environment: `exec`, `shell`, `tunnel` and `dev`.

Input: an environment and what is to be done. Output: nothing. Failure (`not-allowed-here`) in a protected environment,
unless its `allow:` in klotho.yaml names it.
"""

from __future__ import annotations

from typing import Literal

from klotho.diagnostics import ExitCode, Failure
from klotho.driver.settings import Environment

Access = Literal["exec", "shell", "tunnel", "dev"]


def require_access(environment: Environment, doing: Access) -> None:
    if not environment.protect or doing in environment.allow:
        return
    raise Failure(
        "not-allowed-here",
        f"the environment `{environment.name}` is protected: `klotho {doing}` is refused in it",
        at=environment.span,
        notes=("it would go around what was reviewed and deployed",),
        helps=(f"if it is meant to be possible: add `allow: [{doing}]` beside `protect: true` in klotho.yaml",),
        exit_code=ExitCode.GUARDRAIL,
    )
