"""Looks for files, in an execution unit of its own."""

# @klotho::execution_unit {
#   id = "search"
# }
from .media import MEDIA


async def search(pattern: str) -> list[str]:
    return sorted(str(path.relative_to(MEDIA)) for path in MEDIA.rglob(pattern))
