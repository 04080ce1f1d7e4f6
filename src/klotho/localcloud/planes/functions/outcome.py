"""What AWS says when a function does not answer: error documents and platform log lines.

Input: what happened to a worker. Output: the JSON payload a caller gets and the lines the log group gets, in AWS's
wording. Refuses nothing.
"""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import orjson


def timed_out(request_id: str, seconds: float) -> tuple[bytes, str]:
    """Payload and log line of an invocation that ran longer than the function's timeout."""
    text = f"Task timed out after {seconds:.2f} seconds"
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    payload = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: {text}"}
    return orjson.dumps(payload), f"{stamp} {request_id} {text}"


def exited(request_id: str, code: int) -> tuple[bytes, str]:
    """Payload and log line of a runtime that ended instead of answering; `code` is negative for a signal."""
    if code == 0:
        reason = "Runtime exited without providing a reason"
    elif code < 0:
        reason = f"Runtime exited with error: signal: {_signal_name(-code)}"
    else:
        reason = f"Runtime exited with error: exit status {code}"
    message = f"RequestId: {request_id} Error: {reason}"
    return orjson.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}), f"{message}\nRuntime.ExitError"


def not_started(request_id: str, reason: str) -> bytes:
    """Payload when the runtime's process could not be started at all."""
    message = f"RequestId: {request_id} Error: {reason}"
    return orjson.dumps({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": message})


def too_large(size: int, limit: int) -> bytes:
    """Payload when the function's answer is larger than AWS takes (bytes)."""
    message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
    return orjson.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message})


def report(request_id: str, duration_ms: float, memory_mb: int, used_mb: int, init_ms: float | None) -> str:
    """The REPORT line; `init_ms` only for a worker's first invocation."""
    billed = int(-(-(duration_ms + (init_ms or 0.0)) // 1))
    line = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {memory_mb} MB\tMax Memory Used: {used_mb} MB\t"
    )
    return line if init_ms is None else f"{line}Init Duration: {init_ms:.2f} ms\t"


def _signal_name(number: int) -> str:
    """As Go's runtime writes them, which is what AWS shows: `killed`, `segmentation fault` …"""
    text = signal.strsignal(number) or str(number)
    return text.split(":")[0].lower()
