"""Why each resource of a preview changes, with the program's own lines.

Input: a build and a `Preview` of it. Output: `Reason`s by stack and logical id. Refuses nothing.
"""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import TYPE_CHECKING

from klotho.deploy.preview import Preview
from klotho.diagnostics import Span
from klotho.driver.build import Build

if TYPE_CHECKING:
    from klotho.deploy.why import Reason

LONGEST_LINE = 72
"""A longer line of the program is not repeated as a reason; its place is."""


def reasons_of(built: Build, found: Preview) -> dict[tuple[str, str], tuple[Reason, ...]]:
    if not found.changes:
        return {}
    from klotho.deploy.why import Reasons

    reasons = Reasons(built.graph, built.keys, built.manifest, lambda span: _line(built.program.folder, span))
    return {
        (change.stack, item.logical_id): reasons.of(change.stack, item)
        for change in found.changes
        for item in change.resources
    }


def _line(folder: Path, span: Span) -> str | None:
    """A whole statement on one line that holds nothing secret-like; else its place has to do."""
    from klotho.deploy.shown import masked

    if span.end_line is not None and span.end_line != span.line:
        return None
    text = linecache.getline(str(folder / span.file), span.line).strip()
    return text if 0 < len(text) <= LONGEST_LINE and masked(text) == text else None
