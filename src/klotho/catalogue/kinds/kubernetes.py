"""The Kubernetes cluster of an application whose containers are made with `eks`: one for all of them.

Amazon EKS in Auto Mode: AWS starts, patches and ends the instances that pods need. The control plane is reached from
the application's network only. CloudFormation makes cluster, roles and access; what lies inside the cluster is made by
a function of Klotho's (`klotho.applier`) for `Custom::KubernetesObjects`, in the network, so that nobody else needs
access to the cluster: CloudFormation orders, rolls back and deletes it (docs/decisions/0129).

Pods share the security group of their nodes, for Auto Mode has none for single pods; who may reach a container inside
the cluster is said by its NetworkPolicy. Sources: Amazon EKS User Guide: "Automate cluster infrastructure with EKS Auto
Mode", "Learn about identity and access in EKS Auto Mode", "Create a Node Class for Amazon EKS" (its access entry,
network policy), "Learn about VPC Networking and Load Balancing in EKS Auto Mode" (what it does not support),
"Grant IAM users access to Kubernetes with EKS access entries". Logs: aws-observability/helm-charts, values.yaml of
amazon-cloudwatch-observability (`containerLogs`); Fluent Bit manual, "Amazon CloudWatch" (`log_group_template`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.catalogue.iam import allow, policy_key
from klotho.catalogue.network import PRIVATE_SUBNETS, VPC, ingress_between
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import iam_actions
from klotho.resources import (
    AddItem,
    AddResource,
    Asset,
    DependsOn,
    PackageAsset,
    Pseudo,
    Ref,
    ResourceKey,
    Value,
    application_key,
    join,
)
from klotho.resources.changes import Action
from klotho.resources.naming import dashed

OBJECTS = "Custom::KubernetesObjects"
CLUSTER = application_key("kubernetes-cluster")
WORKERS = application_key("kubernetes-workers")
"""The security group of all nodes, and so of all pods."""
NODES = application_key("kubernetes-nodes")
"""What every pod needs of the cluster: the namespace, and which instances may be started."""
FUNCTION = application_key("kubernetes-function")
FUNCTION_GROUP = ResourceKey(f"{FUNCTION}-security-group")
_FUNCTION_ROLE = ResourceKey(f"{FUNCTION}-role")
_FUNCTION_ACCESS = ResourceKey(f"{FUNCTION}-access")
_FUNCTION_PATH = ResourceKey(f"{FUNCTION}-reaches-cluster")
_CONTROL = application_key("kubernetes-control-plane")
_CLUSTER_ROLE = application_key("kubernetes-cluster-role")
_NODE_ROLE = application_key("kubernetes-node-role")
_NODE_ACCESS = application_key("kubernetes-node-access")
LOGS = application_key("kubernetes-logs")
"""The add-on that brings what containers print to their log groups, and counts what they use."""
LOG_GROUP = "klotho-log-group"
"""The annotation of pods that says to which."""
_LOG_ROLE = application_key("kubernetes-logs-role")
OWNER = "application/kubernetes"
"""What the function's zip is called among the assets."""
HANDLER = "klotho.applier.handler.handler"
RUNTIME = "python3.13"
MEMORY_MB = 256
TIMEOUT_S = 900
"""Of one call: Lambda's most. It waits until pods are ready, and a first one until its node has started."""
SERVICE_TIMEOUT_S = 960
CLUSTER_POLICIES = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICIES = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodeMinimalPolicy")
NAME = "klotho"
"""Of the NodeClass and the NodePool."""
_FLUENT_BIT = """\
[INPUT]
  Name                tail
  Tag                 application.*
  Path                /var/log/containers/*_{namespace}_*.log
  multiline.parser    docker, cri
  DB                  /var/fluent-bit/state/flb_container.db
  Mem_Buf_Limit       50MB
  Skip_Long_Lines     On
  Refresh_Interval    10
  Rotate_Wait         30
  storage.type        filesystem
  Read_from_Head      On
[FILTER]
  Name                kubernetes
  Match               application.*
  Kube_URL            https://kubernetes.default.svc:443
  Kube_Tag_Prefix     application.var.log.containers.
  Merge_Log           Off
  Labels              Off
  Annotations         On
  Use_Kubelet         On
  Kubelet_Port        10250
  Buffer_Size         0
[OUTPUT]
  Name                cloudwatch_logs
  Match               application.*
  region              ${AWS_REGION}
  log_group_template  $kubernetes['annotations']['klotho-log-group']
  log_group_name      /aws/containerinsights/${CLUSTER_NAME}/application
  log_stream_template $kubernetes['pod_name']
  log_stream_name     unknown
  log_key             log
  auto_create_group   false
"""
MOST_VCPUS = "100"
"""What the NodePool may start in all: a mistake in a scale must not cost a fortune."""


def namespace_of(setting: Setting) -> str:
    """Of all objects of the application."""
    return dashed(setting.application.name, 60)


def cluster(setting: Setting) -> Iterator[Action]:
    """Everything that no container owns; the same whoever asks for it."""
    yield from _control_plane()
    yield from _access()
    yield from _function()
    yield from _nodes(setting)
    yield from _logs(setting)


def _control_plane() -> Iterator[Action]:
    yield from _role(_CLUSTER_ROLE, "eks.amazonaws.com", "The control plane of Kubernetes", CLUSTER_POLICIES, tag=True)
    for key, about in ((_CONTROL, "The control plane of Kubernetes"), (WORKERS, "Nodes of Kubernetes and their pods")):
        yield AddResource(key, "AWS::EC2::SecurityGroup", {"GroupDescription": about, "VpcId": Ref(VPC, "VpcId")})
    yield AddResource(
        CLUSTER,
        "AWS::EKS::Cluster",
        {
            "RoleArn": Ref(_CLUSTER_ROLE, "Arn"),
            "AccessConfig": {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False},
            # Auto Mode: these three are switched on together, and bring their own add-ons.
            "BootstrapSelfManagedAddons": False,
            "ComputeConfig": {"Enabled": True},
            "KubernetesNetworkConfig": {"ElasticLoadBalancing": {"Enabled": True}},
            "StorageConfig": {"BlockStorage": {"Enabled": True}},
            "ResourcesVpcConfig": {
                "SubnetIds": list(PRIVATE_SUBNETS),
                "SecurityGroupIds": [Ref(_CONTROL, "GroupId")],
                "EndpointPrivateAccess": True,
                "EndpointPublicAccess": False,
            },
            # A version that is no longer supported is upgraded, instead of costing six times as much.
            "UpgradePolicy": {"SupportType": "STANDARD"},
        },
    )


def _access() -> Iterator[Action]:
    """Nodes may join, and the function may make objects; nobody else gets in."""
    yield from _role(_NODE_ROLE, "ec2.amazonaws.com", "Nodes of Kubernetes", NODE_POLICIES)
    yield AddResource(_NODE_ACCESS, "AWS::EKS::AccessEntry", _entry(_NODE_ROLE, "AmazonEKSAutoNodePolicy", "EC2"))
    # Node classes belong to no namespace, and bindings of target groups to no policy that AWS offers for one.
    yield AddResource(
        _FUNCTION_ACCESS, "AWS::EKS::AccessEntry", _entry(_FUNCTION_ROLE, "AmazonEKSClusterAdminPolicy", "STANDARD")
    )


def _entry(role: ResourceKey, policy: str, kind: str) -> dict[str, Any]:
    return {
        "ClusterName": Ref(CLUSTER),
        "PrincipalArn": Ref(role, "Arn"),
        "Type": kind,
        "AccessPolicies": [
            {
                "PolicyArn": join("arn:", Pseudo("AWS::Partition"), f":eks::aws:cluster-access-policy/{policy}"),
                "AccessScope": {"Type": "cluster"},
            }
        ],
    }


def _function() -> Iterator[Action]:
    logs, about = ResourceKey(f"{FUNCTION}-logs"), "Makes objects in the Kubernetes cluster"
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield from _role(_FUNCTION_ROLE, "lambda.amazonaws.com", about)
    yield from allow(_FUNCTION_ROLE, "write logs", iam_actions("logs", "write"), [Ref(logs, "Arn")])
    yield from allow(_FUNCTION_ROLE, "enter the network", iam_actions("unscoped", "network_interfaces"), ["*"])
    group = {"GroupDescription": about, "VpcId": Ref(VPC, "VpcId")}
    yield AddResource(FUNCTION_GROUP, "AWS::EC2::SecurityGroup", group)
    yield AddResource(
        FUNCTION,
        "AWS::Lambda::Function",
        {
            "Description": about,
            "Runtime": RUNTIME,
            "Handler": HANDLER,
            "Code": {"S3Bucket": Asset(OWNER, "bucket"), "S3Key": Asset(OWNER, "key")},
            "Role": Ref(_FUNCTION_ROLE, "Arn"),
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_S,
            "Architectures": ["arm64"],
            "LoggingConfig": {"LogGroup": Ref(logs)},
            "VpcConfig": {
                "SubnetIds": list(PRIVATE_SUBNETS),
                "SecurityGroupIds": [Ref(FUNCTION_GROUP, "GroupId")],
            },
            "Tags": [{"Key": "klotho:construct", "Value": OWNER}],
        },
    )
    yield DependsOn(FUNCTION, policy_key(_FUNCTION_ROLE))
    yield from ingress_between(_FUNCTION_PATH, FUNCTION_GROUP, _CONTROL, 443, about)


def _nodes(setting: Setting) -> Iterator[Action]:
    """The namespace, that network policies count, and which instances are started for pods."""
    yield from objects(NODES, "nodes")
    for needed in (_NODE_ACCESS,):
        yield DependsOn(NODES, needed)
    name = namespace_of(setting)
    yield manifest(NODES, "Namespace", "v1", name, None, {})
    yield manifest(
        NODES,
        "ConfigMap",
        "v1",
        "amazon-vpc-cni",
        "kube-system",
        {"data": {"enable-network-policy-controller": "true"}},
    )
    groups = (Ref(CLUSTER, "ClusterSecurityGroupId"), Ref(WORKERS, "GroupId"))
    spec: dict[str, Any] = {
        "role": Ref(_NODE_ROLE),
        "subnetSelectorTerms": [{"id": subnet} for subnet in PRIVATE_SUBNETS],
        "securityGroupSelectorTerms": [{"id": group} for group in groups],
        "networkPolicy": "DefaultAllow",
        "networkPolicyEventLogs": "Disabled",
    }
    yield manifest(NODES, "NodeClass", "eks.amazonaws.com/v1", NAME, None, {"spec": spec})
    yield manifest(NODES, "NodePool", "karpenter.sh/v1", NAME, None, {"spec": _pool()})


def _pool() -> dict[str, Any]:
    """Any instance of the usual families, of either processor: pods say which one they need."""
    wanted: Mapping[str, tuple[str, list[str]]] = {
        "eks.amazonaws.com/instance-category": ("In", ["c", "m", "r"]),
        "eks.amazonaws.com/instance-generation": ("Gt", ["4"]),
        "karpenter.sh/capacity-type": ("In", ["on-demand"]),
        "kubernetes.io/arch": ("In", ["amd64", "arm64"]),
        "kubernetes.io/os": ("In", ["linux"]),
    }
    return {
        "template": {
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": NAME},
                "requirements": [
                    {"key": key, "operator": operator, "values": values} for key, (operator, values) in wanted.items()
                ],
            }
        },
        "limits": {"cpu": MOST_VCPUS},
        "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "60s"},
    }


def _logs(setting: Setting) -> Iterator[Action]:
    """Fluent Bit on each node, told where lines go by the pod's annotation."""
    yield from _role(
        _LOG_ROLE,
        "pods.eks.amazonaws.com",
        "Logs and metrics of Kubernetes",
        ("CloudWatchAgentServerPolicy",),
        tag=True,
    )
    files = {
        "application-log.conf": _FLUENT_BIT.replace("{namespace}", namespace_of(setting)),
        "dataplane-log.conf": "",
        "host-log.conf": "",
    }
    said = {"containerLogs": {"fluentBit": {"config": {"extraFiles": files}}}}
    yield AddResource(
        LOGS,
        "AWS::EKS::Addon",
        {
            "ClusterName": Ref(CLUSTER),
            "AddonName": "amazon-cloudwatch-observability",
            "ConfigurationValues": json.dumps(said, sort_keys=True),
            "PodIdentityAssociations": [{"RoleArn": Ref(_LOG_ROLE, "Arn"), "ServiceAccount": "cloudwatch-agent"}],
        },
    )
    yield DependsOn(LOGS, NODES)  # which its own pods run on


def objects(key: ResourceKey, name: str) -> Iterator[Action]:
    """Objects in the cluster, made, changed and removed together; `manifest` adds them."""
    yield AddResource(
        key,
        OBJECTS,
        {
            "ServiceToken": Ref(FUNCTION, "Arn"),
            "ServiceTimeout": SERVICE_TIMEOUT_S,
            "Cluster": Ref(CLUSTER),
            "Endpoint": Ref(CLUSTER, "Endpoint"),
            "Authority": Ref(CLUSTER, "CertificateAuthorityData"),
            "Name": name,
        },
    )
    # The function must be able to work as long as there are objects.
    for needed in (_FUNCTION_ACCESS, _FUNCTION_PATH) if key == NODES else (NODES,):
        yield DependsOn(key, needed)


def manifest(
    key: ResourceKey, kind: str, version: str, name: str, namespace: str | None, body: Mapping[str, Any]
) -> Action:
    """One object, told apart by its kind."""
    metadata = {"name": name, **({} if namespace is None else {"namespace": namespace, "labels": {"app": name}})}
    return AddItem(key, ("Objects",), kind.lower(), {"apiVersion": version, "kind": kind, "metadata": metadata, **body})


def _role(
    key: ResourceKey, service: str, about: str, policies: tuple[str, ...] = (), *, tag: bool = False
) -> Iterator[Action]:
    """`tag`: the service says in the session's tags for which cluster it acts."""
    action: Any = ["sts:AssumeRole", "sts:TagSession"] if tag else "sts:AssumeRole"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action}
    attached: list[Value] = [join("arn:", Pseudo("AWS::Partition"), f":iam::aws:policy/{name}") for name in policies]
    yield AddResource(
        key,
        "AWS::IAM::Role",
        {
            "Description": about,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            **({"ManagedPolicyArns": attached} if attached else {}),
        },
    )


def pod_role(key: ResourceKey, about: str) -> Iterator[Action]:
    """A role that pods get by their service account (EKS Pod Identity)."""
    yield from _role(key, "pods.eks.amazonaws.com", about, tag=True)


def function_asset(setting: Setting) -> PackageAsset:
    """The function's zip, from Klotho's own source; the same whoever asks for it."""
    return PackageAsset(OWNER, "zip", {"package": "kubernetes", "handler": HANDLER, "runtime": RUNTIME})
