"""Where the instances of a Cloud Map service are: namespace and service in, one `host:port` out, in turns.

For callers that cannot use Service Connect (functions in a VPC). Answers are kept ten seconds, so a stopped
task is called for at most that long; when Cloud Map cannot be reached the last answer is used on.
"""

from __future__ import annotations

import itertools
import time

from klotho.runtime.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TTL_SECONDS = 10.0


class Instances:
    """The healthy instances of services, as `host:port`; `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, list[str]]] = {}
        self._turn = itertools.count()  # its `next` is atomic, so threads need no lock

    def one(self, namespace: str, service: str) -> str:
        """The next instance in turn. Raises AwsError with code `NoInstances` if there is none."""
        found = self._all(namespace, service)
        if not found:
            raise AwsError(
                "servicediscovery",
                "NoInstances",
                f"{service}.{namespace} has no healthy instance: is the service running?",
            )
        return found[next(self._turn) % len(found)]

    def forget(self) -> None:
        self._kept.clear()

    def _all(self, namespace: str, service: str) -> list[str]:
        kept = self._kept.get((namespace, service))
        if kept is not None and 0 <= self._clock() - kept[0] < TTL_SECONDS:
            return kept[1]
        try:
            found = _discover(namespace, service)
        except AwsError as error:
            if kept is None or 400 <= error.status < 500:
                raise
            found = kept[1]
        if found:  # none is not kept: a service that is just starting should be seen at once
            self._kept[namespace, service] = (self._clock(), found)
        return found


def _discover(namespace: str, service: str) -> list[str]:
    from klotho.runtime.aws import call

    asked = {"NamespaceName": namespace, "ServiceName": service, "HealthStatus": "HEALTHY_OR_ELSE_ALL"}
    answer = call("servicediscovery", "DiscoverInstances", asked)
    found = []
    for instance in answer.get("Instances", []):
        attributes = instance.get("Attributes", {})
        host, port = attributes.get("AWS_INSTANCE_IPV4"), attributes.get("AWS_INSTANCE_PORT")
        if host and port:
            found.append(f"{host}:{port}")
    return sorted(found)


instances = Instances()
"""The instances this process knows."""
