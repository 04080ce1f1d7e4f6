"""Who is at the other end of a connection, and whether the deployed security groups let it in.

Every process here is on loopback, so an address tells nothing. The operating system does: it knows which process has
the client's end of the connection. A process belongs to a task or a function when it is in the process group the local
cloud started for it; the security groups of that task or function, and the ingress rules of the listener's, come from
the deployed resources. Input: the World, the planes that run processes, two ports. Output: a decision. On Linux from
/proc, elsewhere from `lsof`; where neither tells, nobody is let in.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klotho.localcloud.planes.sockets import client_inode, client_pid, inodes_of

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud

INGRESS = "AWS::EC2::SecurityGroupIngress"
GROUP = "AWS::EC2::SecurityGroup"


def is_member(cloud: Cloud, groups: Collection[str], listener_port: int, client_port: int, port: int) -> bool:
    """Whether the process behind `client_port` may reach a listener with these security groups.

    `listener_port` is the real one here, `port` the one the template says, which the rules are about.
    """
    leaders = set(_leaders(cloud, _admitted(cloud, groups, port)))
    if not leaders:
        return False
    inode = client_inode(client_port, listener_port)
    if inode is None:
        pid = client_pid(client_port, listener_port)
        return pid is not None and _group_of(pid) in leaders
    return any(inode in inodes_of(pid) for pid in _members(leaders))


def is_open(cloud: Cloud, groups: Collection[str], port: int) -> bool:
    """Whether some rule of these security groups lets everybody reach this port."""
    return any(
        rule.get("GroupId") in groups and rule.get("CidrIp") == "0.0.0.0/0" and _covers(rule, port)
        for rule in _rules(cloud)
    )


def _admitted(cloud: Cloud, groups: Collection[str], port: int) -> set[str]:
    """Security groups that some rule lets reach this port."""
    return {
        str(rule["SourceSecurityGroupId"])
        for rule in _rules(cloud)
        if rule.get("GroupId") in groups and "SourceSecurityGroupId" in rule and _covers(rule, port)
    }


def _rules(cloud: Cloud) -> Iterator[Mapping[str, Any]]:
    """Every ingress rule, those inside of security groups, too."""
    yield from (record.properties for record in cloud.world.list(INGRESS))
    for record in cloud.world.list(GROUP):
        for rule in record.properties.get("SecurityGroupIngress", ()):
            yield {**rule, "GroupId": record.attributes.get("GroupId", record.identifier)}


def _covers(rule: Mapping[str, Any], port: int) -> bool:
    protocol = str(rule.get("IpProtocol", ""))
    if protocol == "-1":
        return True
    return protocol in ("tcp", "6") and int(rule.get("FromPort", -1)) <= port <= int(rule.get("ToPort", -1))


def _leaders(cloud: Cloud, admitted: Collection[str]) -> Iterator[int]:
    """The process groups of every task and function in one of these security groups."""
    for record in cloud.world.list("AWS::Lambda::Function"):
        inside = (record.properties.get("VpcConfig") or {}).get("SecurityGroupIds", ())
        if set(inside) & set(admitted):
            yield from cloud.functions.pids(record.identifier)
    for record in cloud.world.list("AWS::ECS::Service"):
        network = (record.properties.get("NetworkConfiguration") or {}).get("AwsvpcConfiguration") or {}
        if set(network.get("SecurityGroups", ())) & set(admitted):
            yield from cloud.containers.pids(record.identifier)
    for record in cloud.world.list("AWS::EKS::Cluster"):
        if set(cloud.clusters.security_groups(record.identifier)) & set(admitted):
            for pod in cloud.clusters.pods(record.identifier):
                yield from cloud.containers.pids(pod)


def _members(leaders: Collection[int]) -> Iterator[int]:
    """Every process of these groups, the leaders first: it is nearly always one of them."""
    yield from leaders
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in leaders and _group_of(int(folder.name)) in leaders:
            yield int(folder.name)


def _group_of(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getpgid(pid)
    return None
