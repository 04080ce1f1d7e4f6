"""`Network`: the knobs of the network that containers and databases share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.stack import Stack

Egress = Literal["auto", "nat", "nat-per-zone", "endpoints"]


def _read_subnets(value: Any) -> list[str] | dict[str, list[str]]:
    if isinstance(value, Mapping):
        items = read.mapping(value, 'two subnets by environment: `{"prod": ["subnet-…", "subnet-…"]}`')
        return {name: read.inside(read.texts, item, f"[{read.shown(name)}]") for name, item in items.items()}
    return read.texts(value)


class Network(Construct):
    """The network of the application, at most one; without it Klotho makes one when something lives inside."""

    KIND = "Network"

    @described(
        cidr=read.some_text,
        egress=read.some_text,  # which ones there are, and are not, the catalogue says
        subnets=_read_subnets,
    )
    def __init__(
        self,
        name: str | None = None,
        *,
        cidr: str | None = None,
        egress: Egress | None = None,
        subnets: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe the network.

        Args:
            name: for messages. Default: `"network"`.
            cidr: a private address range of size /16 to /20. Default: `"10.0.0.0/16"`.
            egress: the way out of the private subnets. `"nat"`: one NAT gateway, `"nat-per-zone"`: one in each of the
                two zones, `"endpoints"`: exactly the AWS services in use, and no internet. Default: `"auto"`, a NAT
                gateway when containers run, else endpoints.
            subnets: the ids of the two private subnets, in two zones, when the VPC is `existing=`; a list, or lists by
                environment.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the id of a VPC (`vpc-…`) to use as it is, never to change; or by environment:
                `{"prod": "vpc-…"}`.
        """

    def _default_name(self, arguments: Arguments) -> str | None:
        return "network"

    def _check(self, arguments: Arguments) -> None:
        if "subnets" in arguments.values and arguments.lacks("existing"):
            arguments.complain(
                "conflicting-arguments",
                f"`subnets` of {arguments.title} has no effect without `existing`",
                "subnets",
                helps=('say whose they are: `existing="vpc-…"`',),
            )
