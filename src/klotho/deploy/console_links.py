"""Where AWS's console shows a resource.

Input: a resource's type and physical id, a region, its stack. Output: a URL; for a type without a page of its own the
page of its stack's resources, so that there is one for everything. Refuses nothing. Pure.

AWS promises no stable addresses here: they are those that the console itself uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

_LAMBDA, _VPC, _EC2 = "/lambda/home?region={region}#", "/vpcconsole/home?region={region}#", "/ec2/home?region={region}#"
_CLOUDWATCH = "/cloudwatch/home?region={region}#"
_GLOBAL = frozenset({"iam", "cloudfront"})
"""Services whose console has no region."""

PAGES: Mapping[str, str] = {
    "AWS::ApiGatewayV2::Api": "/apigateway/main/api-detail?api={id}&region={region}",
    "AWS::CertificateManager::Certificate": "/acm/home?region={region}#/certificates/{last}",
    "AWS::CloudFront::Distribution": "/cloudfront/v4/home#/distributions/{id}",
    "AWS::CloudFront::Function": "/cloudfront/v4/home#/functions/{last}",
    "AWS::CloudWatch::Alarm": _CLOUDWATCH + "alarmsV2:alarm/{id}",
    "AWS::Cognito::UserPool": "/cognito/v2/idp/user-pools/{id}/info/overview?region={region}",
    "AWS::DynamoDB::Table": "/dynamodbv2/home?region={region}#table?name={id}",
    "AWS::EC2::EIP": _EC2 + "Addresses:PublicIp={id}",
    "AWS::EC2::InternetGateway": _VPC + "InternetGateway:internetGatewayId={id}",
    "AWS::EC2::NatGateway": _VPC + "NatGatewayDetails:natGatewayId={id}",
    "AWS::EC2::RouteTable": _VPC + "RouteTableDetails:RouteTableId={id}",
    "AWS::EC2::SecurityGroup": _EC2 + "SecurityGroup:groupId={id}",
    "AWS::EC2::Subnet": _VPC + "SubnetDetails:subnetId={id}",
    "AWS::EC2::VPC": _VPC + "VpcDetails:VpcId={id}",
    "AWS::EC2::VPCEndpoint": _VPC + "EndpointDetails:vpcEndpointId={id}",
    "AWS::ECR::Repository": "/ecr/repositories/private/{account}/{id}?region={region}",
    "AWS::EKS::Cluster": "/eks/home?region={region}#/clusters/{id}",
    "AWS::ECS::Cluster": "/ecs/v2/clusters/{id}/services?region={region}",
    "AWS::ECS::Service": "/ecs/v2/clusters/{cluster}/services/{last}/health?region={region}",
    "AWS::ECS::TaskDefinition": "/ecs/v2/task-definitions/{family}/{revision}?region={region}",
    "AWS::ElastiCache::ReplicationGroup": "/elasticache/home?region={region}#/redis/{id}",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _EC2 + "LoadBalancer:loadBalancerArn={raw}",
    "AWS::ElasticLoadBalancingV2::TargetGroup": _EC2 + "TargetGroup:targetGroupArn={raw}",
    "AWS::Events::Rule": "/events/home?region={region}#/eventbus/{bus}/rules/{rule}",
    "AWS::IAM::ManagedPolicy": "/iam/home#/policies/details/{id}",
    "AWS::IAM::Role": "/iam/home#/roles/details/{id}",
    "AWS::KMS::Key": "/kms/home?region={region}#/kms/keys/{id}",
    "AWS::Lambda::Function": _LAMBDA + "/functions/{id}",
    "AWS::Logs::LogGroup": _CLOUDWATCH + "logsV2:log-groups/log-group/{log}",
    "AWS::RDS::DBCluster": "/rds/home?region={region}#database:id={id};is-cluster=true",
    "AWS::RDS::DBInstance": "/rds/home?region={region}#database:id={id};is-cluster=false",
    "AWS::S3::Bucket": "/s3/buckets/{id}?region={region}",
    "AWS::SNS::Topic": "/sns/v3/home?region={region}#/topic/{raw}",
    "AWS::SQS::Queue": "/sqs/v3/home?region={region}#/queues/{id}",
    "AWS::SSM::Parameter": "/systems-manager/parameters/{id}/description?region={region}",
    "AWS::Scheduler::Schedule": "/scheduler/home?region={region}#schedules/default/{id}",
    "AWS::SecretsManager::Secret": "/secretsmanager/secret?name={secret}&region={region}",
    "AWS::ServiceDiscovery::HttpNamespace": "/cloudmap/home/namespaces/{id}?region={region}",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "/cloudmap/home/namespaces/{id}?region={region}",
}
"""Path by type. `id` is the physical id as part of a URL, `raw` as it is; the others are parts of it (`_PARTS`)."""

_PARTS: Mapping[str, Callable[[str], str]] = {
    "id": lambda found: _quoted(found),
    "raw": lambda found: found,
    # arn:aws:acm:…:certificate/<id>, arn:aws:ecs:…:service/<cluster>/<name>
    "last": lambda found: _quoted(found.rpartition("/")[2]),
    "cluster": lambda found: _quoted(found.split("/")[1] if found.count("/") > 1 else "default"),
    "family": lambda found: _quoted(found.rpartition("/")[2].partition(":")[0]),
    "revision": lambda found: _quoted(found.rpartition(":")[2]),
    # A rule of another bus than the default one is named `<bus>|<rule>`.
    "bus": lambda found: _quoted(found.rpartition("|")[0] or "default"),
    "rule": lambda found: _quoted(found.rpartition("|")[2]),
    # A secret's ARN ends with its name, a dash and six characters.
    "secret": lambda found: _quoted(found.split(":secret:")[-1][:-7] if ":secret:" in found else found),
    # The log console encodes twice, and writes `$` for the first `%`.
    "log": lambda found: _quoted(_quoted(found)).replace("%25", "$25"),
}


def console_link(type_name: str, physical_id: str, region: str, stack_id: str) -> str:
    """`stack_id` is the ARN of the stack the resource belongs to."""
    page = PAGES.get(type_name)
    if page is None or not physical_id:
        return stack_link(stack_id, region)
    account = stack_id.split(":")[4] if stack_id.count(":") > 4 else ""
    values = {name: part(physical_id) for name, part in _PARTS.items()}
    return f"{_host(page, region)}{page.format(region=region, account=account, **values)}"


def stack_link(stack_id: str, region: str) -> str:
    """The resources of a stack."""
    page = f"/cloudformation/home?region={region}#/stacks/resources?stackId={_quoted(stack_id)}"
    return f"{_host(page, region)}{page}"


def _host(page: str, region: str) -> str:
    if region.startswith("cn-"):
        domain = "console.amazonaws.cn"
    elif region.startswith("us-gov-"):
        domain = "console.amazonaws-us-gov.com"
    else:
        domain = "console.aws.amazon.com"
    return f"https://{domain}" if page.split("/")[1] in _GLOBAL else f"https://{region}.{domain}"


def _quoted(text: str) -> str:
    return quote(text, safe="")
