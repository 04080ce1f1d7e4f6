"""How a custom domain of the local cloud is reached: its name means nothing to this machine's DNS.

Input: what the planes show, and the application. Output: by domain its address and the command that calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klotho.application import Application
from klotho.driver.machine import state_root
from klotho.localcloud.services.acm.authority import CERTIFICATE, FOLDER


@dataclass(frozen=True, slots=True)
class LocalDomain:
    """One domain that is served on this machine."""

    name: str
    url: str
    """With the port of this environment."""
    call: str
    """A command that reaches it without a change of this machine."""

    @property
    def hint(self) -> str:
        """One line for a person."""
        return f"{self.url} → `{self.call}`, or put `127.0.0.1 {self.name}` into /etc/hosts"


def local_domains(application: Application, units: Iterable[Mapping[str, Any]]) -> tuple[LocalDomain, ...]:
    """The domains that run, by name."""
    given = {
        item.name for item in application.constructs if item.kind == "Domain" and _has_certificate(item.properties)
    }
    found = [unit for unit in units if unit.get("kind") == "domain" and unit.get("address")]
    return tuple(_domain(str(unit["name"]), str(unit["address"]), str(unit["name"]) in given) for unit in found)


def _has_certificate(properties: Mapping[str, Any]) -> bool:
    return "certificate_file" in properties or "certificate" in properties


def _domain(name: str, url: str, given: bool) -> LocalDomain:
    port = url.rpartition(":")[2]
    trust = "" if given else f"--cacert {state_root() / FOLDER / CERTIFICATE} "
    return LocalDomain(name, url, f"curl {trust}--resolve {name}:{port}:127.0.0.1 {url}/")
