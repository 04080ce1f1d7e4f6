"""Makes objects, waits until they do what they are there for, and removes what is not wanted any more.

Input: a cluster, the objects wanted and those of before. Output: nothing; `ObjectError` with what Kubernetes says when
pods don't become ready, or what is removed does not go. Everything may run twice, and end anywhere.
"""

from __future__ import annotations

import time

from klotho.applier.objects import KINDS, ObjectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from klotho.applier.api import Cluster
    from klotho.applier.objects import Named

PATIENCE_S = 780.0
"""For pods and nodes to come or go. A node takes a minute or two to start; Lambda ends a call after 900 s."""
KNOWN_S = 90.0
"""How long an access entry made a moment ago may take to be known to the cluster, and its address to be found."""
_WAITED_FOR = ("Deployment", "NodePool", "NodeClass", "TargetGroupBinding")
"""What has to be gone before what it uses can go: pods, instances, registered targets."""


def make(cluster: Cluster, wanted: Sequence[Named], before: Sequence[Named] = ()) -> None:
    """All of `wanted` is there and runs, and what was there `before` and is not wanted is gone."""
    until = time.monotonic() + PATIENCE_S
    for item in wanted:
        _patiently(lambda item=item: cluster.apply(item))  # type: ignore[misc]
    kept = {item.path for item in wanted}
    remove(cluster, [item for item in before if item.path not in kept], until)
    for item in wanted:
        if item.kind == "Deployment":
            _rolled_out(cluster, item, until)


def remove(cluster: Cluster, unwanted: Sequence[Named], until: float | None = None) -> None:
    """All of it is gone, in the order opposite to the one it was made in."""
    end = time.monotonic() + PATIENCE_S if until is None else until
    for item in reversed(unwanted):
        _patiently(lambda item=item: cluster.delete(item))  # type: ignore[misc]
        if item.kind in _WAITED_FOR:
            _wait(lambda item=item: cluster.get(item.path) is None, end, f"{item} does not go away")  # type: ignore[misc]


def _patiently(call: Callable[[], object]) -> None:
    """Again while the cluster does not know this function yet."""
    until, pause = time.monotonic() + KNOWN_S, 0.5
    while True:
        try:
            call()
            return
        except ObjectError as error:
            if not str(error).endswith(("(401)", "(403)")) or time.monotonic() + pause > until:
                raise
        except OSError as error:
            if time.monotonic() + pause > until:
                raise ObjectError(f"the cluster can't be reached: {error}") from error
        time.sleep(pause)
        pause = min(pause * 2, 8.0)


def _rolled_out(cluster: Cluster, item: Named, until: float) -> None:
    said = ""

    def done() -> bool:
        nonlocal said
        found = cluster.get(item.path)
        if found is None:
            raise ObjectError(f"{item} was deleted by somebody else")
        status = found.get("status") or {}
        if int(status.get("observedGeneration", 0)) < int(found["metadata"].get("generation", 1)):
            return False
        failed = _condition(status, "Progressing")
        if failed.get("reason") == "ProgressDeadlineExceeded":
            raise ObjectError(f"{item}: {failed.get('message')}")
        said = str(_condition(status, "Available").get("message", ""))
        wanted = int((found.get("spec") or {}).get("replicas", 1))
        ready = min(int(status.get(name, 0)) for name in ("updatedReplicas", "availableReplicas"))
        return ready >= wanted and int(status.get("replicas", 0)) == int(status.get("updatedReplicas", 0))

    _wait(done, until, f"{item} does not become ready", lambda: said)


def _condition(status: dict[str, Any], name: str) -> dict[str, Any]:
    found = (item for item in status.get("conditions", ()) if item.get("type") == name)
    return next(found, {})


def _wait(done: Callable[[], bool], until: float, problem: str, more: Callable[[], str] = lambda: "") -> None:
    pause = 0.1
    while not done():
        if time.monotonic() + pause > until:
            raise ObjectError(": ".join(filter(None, (problem, more()))))
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)


assert set(_WAITED_FOR) <= set(KINDS)
