"""What an application needs: constructs, relationships, requirements and directives, each with its source span.

Every front-end writes an `Application`, everything downstream reads one, and it round-trips through JSON. It knows no
cloud: which kinds exist, and which relationships make sense, is the catalogue's knowledge.
"""

from klotho.application.model import (
    SCHEMA_VERSION,
    Application,
    Construct,
    ConstructId,
    Directive,
    Existing,
    Relationship,
    Requirement,
)
from klotho.application.renames import as_deployed, with_renames
from klotho.application.serialization import ApplicationFormatError, from_json, to_json
from klotho.application.validation import validate
from klotho.application.values import OutputRef, parse_text, references, token

__all__ = [
    "SCHEMA_VERSION",
    "Application",
    "ApplicationFormatError",
    "Construct",
    "ConstructId",
    "Directive",
    "Existing",
    "OutputRef",
    "Relationship",
    "Requirement",
    "as_deployed",
    "from_json",
    "parse_text",
    "references",
    "to_json",
    "token",
    "validate",
    "with_renames",
]
