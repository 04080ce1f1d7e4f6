"""`Compute.Container`: a service in a container image, built from a folder or taken as it is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from klotho.sdk import readers as read
from klotho.sdk.actor import Actor, Architecture
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

_read_port = read.whole(1, 65535)


def _read_ports(value: Any) -> dict[str, int]:
    items = read.mapping(value, 'a mapping of names to ports such as `{"http": 8080, "grpc": 50051}`')
    if not items:
        raise read.wrong("a mapping with at least one port", value)
    ports = {name: read.inside(_read_port, item, f"[{read.shown(name)}]") for name, item in items.items()}
    for name in ports:
        if not name.isidentifier() or not name.isascii():
            raise read.wrong("a mapping whose keys are plain names such as `http`", name)
    numbers = list(ports.values())
    for number in numbers:
        if numbers.count(number) > 1:
            raise read.Wrong(read.Problem("a mapping to different ports", f"{number} twice"))
    return ports


_read_whole_cpu = read.whole(1, unit="vCPU units")


def _read_cpu(value: Any) -> int:
    """CPU in units; who writes 0.25 means vCPUs."""
    if isinstance(value, float) and 0 < value <= 16:
        units = round(value * 1024)
        help_text = f"1024 units are one vCPU, so {value:g} vCPU is `cpu={units}`"
        raise read.wrong("a whole number of vCPU units (at least 1)", value, help_text)
    return int(_read_whole_cpu(value))


def _read_scale(value: Any) -> list[int]:
    expected = "a pair (minimum, maximum) of whole numbers such as `(1, 4)`"
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 10_000:
        raise read.wrong(expected, value, f"write `scale=({value}, {value})`")
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise read.wrong(expected, value)
    low = read.inside(read.whole(0, 10_000), value[0], "[0]")
    high = read.inside(read.whole(1, 10_000), value[1], "[1]")
    if low > high:
        raise read.Wrong(read.Problem(expected, f"({low}, {high})", (f"write `scale=({high}, {low})`",)))
    return [low, high]


def _read_command(value: Any) -> list[str]:
    words = read.texts(value)
    if not words:
        raise read.wrong("a list with at least the program to run", value)
    return words


class Container(Actor):
    """A service that runs in a container, behind a stable name; it listens on `PORT`."""

    KIND = "Compute.Container"
    _name_help = 'give one: `Compute.Container(name="orders", …)`'

    url = OutputAttribute()
    """Where other services reach it, inside the application's network: `http://…`."""

    @described(
        context=read.path,
        dockerfile=read.path,
        image=read.some_text,
        port=_read_port,
        ports=_read_ports,
        command=_read_command,
        environment=read.environment,
        cpu=_read_cpu,
        memory=read.whole(1, unit="MB"),
        scale=_read_scale,
        health_check=read.url_path,
        always_on=read.truth,
        architecture=read.choice("arm64", "x86_64"),
    )
    def __init__(
        self,
        name: str | None = None,
        *,
        context: str | os.PathLike[str] | None = None,
        dockerfile: str | os.PathLike[str] | None = None,
        image: str | None = None,
        port: int | None = None,
        ports: Mapping[str, int] | None = None,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str | int | float | bool] | None = None,
        cpu: int | None = None,
        memory: int | None = None,
        scale: tuple[int, int] | None = None,
        health_check: str | None = None,
        always_on: bool | None = None,
        architecture: Architecture | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a container; give `context` to build it or `image` to take one that exists.

        Args:
            name: default: the name of the context's folder (`"./services/orders"` → `orders`).
            context: the folder to build, relative to this program: `"./services/orders"`.
            dockerfile: relative to this program. Default: `Dockerfile` in the context.
            image: an image to run instead of building one: `"public.ecr.aws/nginx/nginx:1.27"`.
            port: the HTTP port it listens on, also given to it as `PORT`. Default: 8080.
            ports: several ports by protocol, instead of `port`: `{"http": 8080, "grpc": 50051}`;
                the `grpc` port is given to it as `GRPC_PORT`.
            command: replaces the image's command: `["python", "main.py"]`.
            environment: variables; values may hold outputs such as `orders.url`, but no secrets.
            cpu: vCPU units, 1024 are one vCPU: 256, 512, 1024 … Default: 256.
            memory: MB. Default: 512.
            scale: how many run, (minimum, maximum): `(1, 4)`. Default: one.
            health_check: path that answers 200 when the service is well: `"/health"`. Default: none.
            always_on: False lets it be interrupted, at two minutes' notice, which is cheaper. Default: it is not.
            architecture: `"arm64"` or `"x86_64"`. Default: x86_64 when the Dockerfile or the image's name says so
                (`--platform=linux/amd64`, `GOARCH=amd64`), else arm64, which costs a fifth less.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the ARN of an ECS service, to use as it is, never to change; more is said as
                `Existing(…)`; or by environment: `{"prod": "…"}`.
        """

    def _check(self, arguments: Arguments) -> None:
        values = arguments.values
        if arguments.lacks("context", "image"):
            arguments.complain(
                "missing-argument",
                f"{arguments.title} needs `context=` or `image=`",
                helps=('give the folder to build, for example `context="./services/orders"`',),
            )
        for one, other in (("context", "image"), ("dockerfile", "image"), ("port", "ports")):
            if one in values and other in values:
                arguments.complain(
                    "conflicting-arguments",
                    f"`{one}` and `{other}` of {arguments.title} can't be given together",
                    other,
                    helps=(f"leave out `{one}=` or `{other}=`",),
                )

    def _default_name(self, arguments: Arguments) -> str | None:
        context = arguments.values.get("context")
        folder = "" if context is None else context.rpartition("/")[2]
        return folder if folder.strip(".") else None
