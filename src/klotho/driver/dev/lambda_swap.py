"""Puts changed code into functions on AWS by Lambda's UpdateFunctionCode, which is far quicker than a stack's update.

Input: a unit and its files. Output: nothing; new invocations run it when the call returns (Lambda API reference,
GetFunctionConfiguration: `LastUpdateStatus` is `Successful` once the update has completed). Failure
(`code-does-not-start`) when Lambda does not take it. Whether code *starts* is seen at its first invocation only.

Lambda's own record then says another package than the stack's template: `end` puts back what the stack has, unless it
was deployed meanwhile.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from klotho.deploy.assets import upload_zip
from klotho.deploy.functions.package import FunctionPackager, FunctionSources
from klotho.deploy.place import Clients, translated
from klotho.diagnostics import Failure
from klotho.driver.dev.units import Unit

_PATIENCE_S = 60.0
_POLL_S = 0.2


class LambdaSwap:
    """In one account and region."""

    def __init__(
        self,
        clients: Clients,
        packager: FunctionPackager,
        packages: Callable[[], dict[str, str]],
        units: Callable[[], Iterable[Unit]],
    ) -> None:
        """`packages` tells the keys, by construct, of the packages that the stacks have now; `units` what is
        deployed, so that what an earlier `klotho dev` has left is put back, too."""
        self._clients = clients
        self._packager = packager
        self._packages = packages
        self._units = units

    def can(self, unit: Unit) -> bool:
        return unit.kind == "function" and unit.asset.type == "zip"

    def function(self, unit: Unit, sources: FunctionSources) -> None:
        built = self._packager.package(unit.asset.properties, lambda line: None)
        upload_zip(built, self._clients)
        self._put(unit, built.key)

    def container(self, unit: Unit, log: Callable[[str], None]) -> str | None:
        raise AssertionError("containers on AWS are deployed")

    def end(self, application: str) -> tuple[str, ...]:
        deployed, ended = self._packages(), []
        for unit in self._units():
            key = deployed.get(unit.construct)
            if unit.kind == "function" and key is not None and not self._has(unit, key):
                self._put(unit, key)
                ended.append(unit.name)
        return tuple(sorted(ended))

    def _has(self, unit: Unit, key: str) -> bool:
        """Whether that is its package: the key holds the digest that Lambda knows it by (`CodeSha256`)."""
        with translated(f"reading the code of {unit.name}"):
            found = self._clients.functions.get_function_configuration(FunctionName=unit.identifier)
        return Path(key).stem == base64.b64decode(found["CodeSha256"]).hex()

    def _put(self, unit: Unit, key: str) -> None:
        bucket = self._clients.place.artifact_bucket
        with translated(f"putting the code of {unit.name} in place"):
            self._clients.functions.update_function_code(FunctionName=unit.identifier, S3Bucket=bucket, S3Key=key)
            self._wait(unit)

    def _wait(self, unit: Unit) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            found: dict[str, Any] = self._clients.functions.get_function_configuration(FunctionName=unit.identifier)
            state = found.get("LastUpdateStatus", "Successful")
            if state == "Successful":
                return
            if state == "Failed" or time.monotonic() > deadline:
                why = found.get("LastUpdateStatusReason") or f"its update is {state} after {_PATIENCE_S:.0f} s"
                raise Failure("code-does-not-start", f"`{unit.name}` does not take its code: {why}")
            time.sleep(_POLL_S)
