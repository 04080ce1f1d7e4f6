"""A CloudFormation that refactors nothing, as a proxy's answer."""

from __future__ import annotations

from tests.localcloud.front import Call

REFUSAL = "Stack Refactor does not support this type today"
_REFUSED = f"""<DescribeStackRefactorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<DescribeStackRefactorResult><StackRefactorId>x</StackRefactorId><Status>CREATE_FAILED</Status>
<StatusReason>{REFUSAL}</StatusReason><ExecutionStatus>UNAVAILABLE</ExecutionStatus></DescribeStackRefactorResult>
</DescribeStackRefactorResponse>""".encode()


def refusing(call: Call) -> bytes | None:
    """CloudFormation refactors nothing."""
    return _REFUSED if call.action == "DescribeStackRefactor" else None
