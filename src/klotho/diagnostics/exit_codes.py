"""Exit codes of the command line, the same numbers Pulumi uses where it has one (architecture, section 6)."""

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    ERROR = 1
    USAGE = 2
    CREDENTIALS = 3
    RESOURCE_FAILED = 4
    GUARDRAIL = 5
    NOT_FOUND = 6
    CANCELLED = 8
    TIMEOUT = 9
    LOCKED = 10
    DRIFT = 11
    CHANGES = 20
