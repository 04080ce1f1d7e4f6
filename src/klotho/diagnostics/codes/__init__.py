"""Every diagnostic code, each with the page that `klotho explain CODE` prints.

A code is added here in the same change that first reports it; a test finds every code used in the source and fails
for one that has no page.
"""

from __future__ import annotations

from klotho.diagnostics.codes import (
    adoption,
    annotated,
    assets,
    aws,
    costs,
    csharp,
    deploy,
    engine,
    explaining,
    exports,
    foreign,
    go,
    guardrails,
    locking,
    moves,
    operate,
    permissions,
    program,
    projects,
    stacks,
    topology,
)
from klotho.diagnostics.codes.page import Page

_AREAS = (
    program,
    engine,
    guardrails,
    adoption,
    annotated,
    assets,
    deploy,
    aws,
    costs,
    csharp,
    explaining,
    foreign,
    go,
    locking,
    moves,
    permissions,
    operate,
    projects,
    stacks,
    topology,
    exports,
)

PAGES: dict[str, Page] = {page.code: page for area in _AREAS for page in area.PAGES}
