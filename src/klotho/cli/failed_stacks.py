"""Failed stacks as diagnostics at the user's lines, and the exit code they give.

Input: a deployment. Output: diagnostics, each cause once. Refuses nothing.
"""

from __future__ import annotations

from klotho.deploy.denials import CODES, DENIAL_HELP, denial
from klotho.deploy.next_steps import next_step
from klotho.deploy.outcome import Deployment, StackOutcome
from klotho.diagnostics import Diagnostic, ExitCode, Label, Severity, said_once


def diagnostics_of(deployment: Deployment) -> list[Diagnostic]:
    return said_once(outcome.diagnostic or _diagnostic(outcome) for outcome in deployment.failed)


def exit_code_of(deployment: Deployment) -> ExitCode:
    """8 when the user asked to stop; 4 when a resource failed; else what the first failure asks for (1 for an image
    that does not build)."""
    if deployment.drained:
        return ExitCode.CANCELLED
    codes = [outcome.exit_code for outcome in deployment.failed]
    return ExitCode.RESOURCE_FAILED if ExitCode.RESOURCE_FAILED in codes or not codes else codes[0]


def _diagnostic(outcome: StackOutcome) -> Diagnostic:
    cause = outcome.cause
    assert cause is not None, outcome.stack
    first, *rest = [line for line in cause.reason.splitlines() if line.strip()] or ["no reason was given"]
    what = cause.construct.rpartition("/")[2] or outcome.stack
    resource = (
        (f"the resource is {cause.logical_id} ({cause.type}) in stack {outcome.stack}",) if cause.logical_id else ()
    )
    denied = denial(cause.reason) if cause.code in CODES else None
    if denied is not None:
        return Diagnostic(
            "deployer-not-allowed",
            f"`{what}` could not be deployed: the deployer is not allowed `{denied.action}` on {denied.resource}",
            (Label(cause.span),) if cause.span else (),
            (first, *resource, *([cause.aftermath] if cause.aftermath else [])),
            (DENIAL_HELP,),
        )
    return Diagnostic(
        "stack-failed",
        f"`{what}` could not be deployed: {first.rstrip('.')}",
        (Label(cause.span),) if cause.span else (),
        (*rest, *resource, *([cause.aftermath] if cause.aftermath else [])),
        (next_step(cause),),
    )


def stopped(deployment: Deployment) -> list[Diagnostic]:
    """After Ctrl-C: what had begun is done, and running it again does the rest."""
    done = [item.stack for item in deployment.outcomes if item.result in ("created", "updated", "deleted")]
    note = f"done: {', '.join(done) or 'nothing'}; not begun: {', '.join(deployment.cancelled) or 'nothing'}"
    cancelled = Diagnostic("cancelled", "stopped as you asked", notes=(note,), helps=("run it again to go on",))
    return [*diagnostics_of(deployment), cancelled]


def left_behind(deployment: Deployment) -> list[Diagnostic]:
    """Warnings about what AWS would not let go of."""
    return [
        Diagnostic(
            "left-behind",
            f"{item.logical_id} ({item.type}) of stack {stack} is left behind",
            notes=(item.why, *([f"its id is {item.physical_id}"] if item.physical_id else [])),
            helps=("remove what holds it, then delete it in the console of its service",),
            severity=Severity.WARNING,
        )
        for stack, item in deployment.left
    ]
