"""A container's ports by name."""

from __future__ import annotations

from urllib.parse import urlsplit

from klotho.application import Construct
from klotho.catalogue.rules import Setting


def named_ports(construct: Construct, setting: Setting) -> dict[str, int]:
    """`ports=` as given, else `port=` (or its default) under the name `http`."""
    ports = setting.parameter(construct, "ports")
    if ports:
        return {str(name): int(port) for name, port in ports.items()}
    return {"http": int(setting.parameter(construct, "port"))}


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
    ports = named_ports(construct, setting)
    return ports.get("http", next(iter(ports.values())))
