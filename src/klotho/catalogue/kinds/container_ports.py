"""A container's ports by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from klotho.application import Construct
from klotho.catalogue.rules import Setting


def named_ports(construct: Construct, setting: Setting) -> dict[str, int]:
    """`ports=` as given, else `port=` (or its default) under the name `http`."""
    return ports_by_name(setting.parameter(construct, "ports"), setting.parameter(construct, "port"))


def ports_by_name(ports: Mapping[str, Any] | None, port: Any) -> dict[str, int]:
    """The same, of the two parameters' values."""
    if ports:
        return {str(name): int(number) for name, number in ports.items()}
    return {"http": int(port)}


def port_in(address: str) -> int:
    """The port of a URL, or of `host:port`."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    return parts.port or (443 if parts.scheme == "https" else 80)


def port_variables(construct: Construct, setting: Setting) -> dict[str, int]:
    """What tells the container its ports: `PORT` for the main one, `GRPC_PORT` for one named `grpc`."""
    others = {name: port for name, port in named_ports(construct, setting).items() if name != "http"}
    named = {f"{name.upper().replace('-', '_')}_PORT": port for name, port in others.items()}
    return {"PORT": main_port(construct, setting), **named}


def main_port(construct: Construct, setting: Setting) -> int:
    """What `PORT` says: the port named `http`, else the first one."""
    return main_of(named_ports(construct, setting))


def main_of(ports: Mapping[str, int]) -> int:
    """The one named `http`, else the first."""
    return ports.get("http", next(iter(ports.values())))
