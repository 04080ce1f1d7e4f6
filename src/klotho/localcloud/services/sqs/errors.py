"""Errors of the SQS API, in AWS's codes and wording.

Input: what an operation found wrong. Output: an exception that `service` renders as SQS's JSON error, with the code of
the older query protocol in `x-amzn-query-error`, which SDKs show. Refuses nothing itself. Source: the SQS API
reference ("Errors" of each action) and the `awsQueryError` traits of its published model.
"""

from __future__ import annotations

from klotho.localcloud.service import ApiError

_PREFIXED = frozenset(
    {
        "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId",
        "MessageNotInflight", "PurgeQueueInProgress", "TooManyEntriesInBatchRequest", "UnsupportedOperation",
    }
)  # fmt: skip


class SqsError(ApiError):
    """An answer other than success."""

    @property
    def query_code(self) -> str:
        """The code SDKs show, which is the one of the query protocol."""
        if self.code == "QueueDoesNotExist":
            return "AWS.SimpleQueueService.NonExistentQueue"
        return f"AWS.SimpleQueueService.{self.code}" if self.code in _PREFIXED else self.code


def invalid(message: str) -> SqsError:
    return SqsError("InvalidParameterValue", message)


def missing(parameter: str) -> SqsError:
    return SqsError("MissingParameter", f"The request must contain the parameter {parameter}.")


def no_queue() -> SqsError:
    return SqsError("QueueDoesNotExist", "The specified queue does not exist.")


def unsupported(what: str) -> SqsError:
    """Something AWS has and this store does not: refused by name, never ignored."""
    return SqsError("UnsupportedOperation", f"{what} is not supported by the local cloud")
