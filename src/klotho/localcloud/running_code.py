"""What the driver asks of running code: put newer code in place, end that, tell a service's environment.

Input: JSON objects (`Admin` has checked the token). Output: JSON objects with `ok`; `reason` says why not. Refuses
nothing with an exception: code that does not start, a unit that does not run and an unknown name are answers.

Swapping is no deployment: stacks and live records stay what they are, and `Swapped` remembers that the unit runs
something else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.localcloud.handler import HandlerError, Record, application_of
from klotho.localcloud.planes.containers.plane import SERVICE
from klotho.localcloud.planes.functions.plane import FUNCTION
from klotho.localcloud.service import ApiError

if TYPE_CHECKING:
    from klotho.localcloud.applications import Applications
    from klotho.localcloud.cloud import Cloud

CONSTRUCT_TAG = "klotho:construct"


class RunningCode:
    """The asks of one local cloud."""

    def __init__(self, cloud: Cloud, applications: Applications) -> None:
        self._cloud = cloud
        self._applications = applications

    @property
    def asks(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]]:
        """By the path below the supervisor's own."""
        return {
            "swaps/function": self._answered(self._swap_function),
            "swaps/container": self._answered(self._swap_container),
            "swaps/end": self._answered(self._end),
            "environment": self._answered(self._environment),
        }

    def _answered(
        self, ask: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
    ) -> Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]:
        async def answer(document: Mapping[str, Any]) -> Mapping[str, Any]:
            try:
                return {"ok": True, **await ask(document)}
            except HandlerError as error:
                return {"ok": False, "reason": error.reason}
            except ApiError as error:
                return {"ok": False, "reason": error.message}
            except (KeyError, TypeError, ValueError) as error:
                return {"ok": False, "reason": f"not understood: {error!r}"}

        return answer

    async def _swap_function(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """`identifier`, `files` (path in the package -> file of this machine), `removed`, `holder`."""
        files = {str(name): Path(source) for name, source in dict(asked["files"]).items()}
        removed = [str(name) for name in asked["removed"]]
        await self._cloud.functions.swap(str(asked["identifier"]), files, removed, int(asked["holder"]))
        return {}

    async def _swap_container(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """`identifier`, `image` (its digest), `holder`."""
        await self._cloud.containers.swap(str(asked["identifier"]), str(asked["image"]), int(asked["holder"]))
        return {}

    async def _end(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """`application`: everything of it runs what is deployed again; answers with the names of what did not."""
        application = str(asked["application"])
        ended = []
        for type_name, identifier in self._cloud.swapped.units:
            record = self._cloud.world.get(type_name, identifier)
            if record is None or application_of(record) == application:
                self._cloud.swapped.clear(type_name, identifier)
                ended.append(identifier if record is None else name_of(record))
        if ended:
            await self._applications.resume(application)
        return {"ended": sorted(ended)}

    async def _environment(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """`application`, `service` (the construct's name): `folder` and `variables` of the running code."""
        application, service = str(asked["application"]), str(asked["service"])
        for plane, type_name in ((self._cloud.functions, FUNCTION), (self._cloud.containers, SERVICE)):
            for record in self._cloud.world.list(type_name):
                if application_of(record) == application and name_of(record) == service:
                    folder, variables = plane.folder_and_environment(record.identifier)
                    kind = "function" if type_name == FUNCTION else "container"
                    return {"kind": kind, "folder": str(folder), "variables": variables}
        pod = self._cloud.clusters.pod_of(application, service)
        if pod is not None:
            folder, variables = self._cloud.containers.folder_and_environment(pod)
            return {"kind": "container", "folder": str(folder), "variables": variables}
        raise HandlerError(f"there is no service {service}", "NotFound")


def name_of(record: Record) -> str:
    """The construct's name in the user's program."""
    return str(_own_tags(record).get(CONSTRUCT_TAG) or record.identifier).rpartition("/")[2]


def _own_tags(record: Record) -> Mapping[str, str]:
    tags = record.properties.get("Tags") or ()
    return tags if isinstance(tags, Mapping) else {str(tag["Key"]): str(tag["Value"]) for tag in tags}
