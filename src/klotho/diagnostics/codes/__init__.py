"""Every diagnostic code, each with the page that `klotho explain CODE` prints.

A code is added here in the same change that first reports it; a test finds every code used in the source and fails
for one that has no page.
"""

from __future__ import annotations

from klotho.diagnostics.codes.deploy import PAGES as _DEPLOY
from klotho.diagnostics.codes.engine import PAGES as _ENGINE
from klotho.diagnostics.codes.moves import PAGES as _MOVES
from klotho.diagnostics.codes.page import Page
from klotho.diagnostics.codes.program import PAGES as _PROGRAM

PAGES: dict[str, Page] = {page.code: page for group in (_PROGRAM, _ENGINE, _DEPLOY, _MOVES) for page in group}
