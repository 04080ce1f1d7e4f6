"""Samples of compute: functions, task definitions and container services."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import FUNCTION_IMAGE, IMAGE, LAYER_BUCKET, planes
from ..sample import REMOVED, Sample
from .identity import ROLE, trust
from .network import GROUPS, SUBNETS, VPCS, ref, tags
from .stores import KEY

LAMBDA_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": trust("lambda.amazonaws.com")},
}
LAMBDA_ROLE_ARN = {"Fn::GetAtt": ["LambdaRole", "Arn"]}
OTHER_ROLE_ARN = {"Fn::GetAtt": ["OtherRole", "Arn"]}
CODE = {"ZipFile": "def handler(event, context):\n    return 'one'\n"}
OTHER_CODE = {"ZipFile": "def handler(event, context):\n    return 'two'\n\n\nother = handler\n"}
FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {"Runtime": "python3.12", "Handler": "index.handler", "Code": CODE, "Role": LAMBDA_ROLE_ARN},
}
CONTAINER = {"Name": "web", "Image": "web:1", "PortMappings": [{"ContainerPort": 8080, "Name": "http"}]}


def task(label: str) -> dict[str, Any]:
    """A task definition of the test's web server."""
    container = {
        "Name": "web",
        "Image": IMAGE,
        "PortMappings": [{"ContainerPort": 8080, "Name": "http", "AppProtocol": "http"}],
        "Environment": [{"Name": "PORT", "Value": "8080"}, {"Name": "LABEL", "Value": label}],
        "StopTimeout": 2,
    }
    properties = {"ContainerDefinitions": [container], "TaskRoleArn": {"Fn::GetAtt": ["LambdaRole", "Arn"]}}
    return {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}


def telling(role: dict[str, Any]) -> dict[str, Any]:
    """The role, which may also send to the queue `Lost`."""
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Lost", "Arn"]}}
    policy = {"PolicyName": "tell", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    return {**role, "Properties": {**role["Properties"], "Policies": [policy]}}


def read_function(cloud: Cloud, record: Record) -> Any:
    spec = cloud.functions.get(record.identifier)
    return spec.handler, spec.timeout_s, dict(spec.environment)


SPEAKER = """import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    answer = {
        "Status": "FAILED" if properties.get("Refuse") == event["RequestType"] else "SUCCESS",
        "Reason": "told to",
        "PhysicalResourceId": "speaker-" + properties.get("Name", "a"),
        "Data": {"Said": properties.get("Text", ""), "Kind": type(properties.get("Number", "")).__name__},
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(request).close()
"""
"""A function that answers as its resource's properties say."""
SPEAKING = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Code": {"ZipFile": SPEAKER},
        "Role": LAMBDA_ROLE_ARN,
    },
}
AS_IMAGE = {
    "PackageType": "Image",
    "Code": {"ImageUri": FUNCTION_IMAGE},
    "ImageConfig": {"Command": ["index.other"]},
    "Runtime": REMOVED,
    "Handler": REMOVED,
}
LAYER = {
    "Type": "AWS::Lambda::LayerVersion",
    "Properties": {"Content": {"S3Bucket": LAYER_BUCKET, "S3Key": "one.zip"}},
}
TOPIC = "arn:aws:sns:eu-west-1:000000000000:topic"


SAMPLES = (
    Sample(
        "AWS::CloudFormation::CustomResource",
        {"ServiceToken": {"Fn::GetAtt": ["Speaking", "Arn"]}, "ServiceTimeout": 20, "Text": "a"},
        {"Text": "b", "ServiceTimeout": 30},
        {"LambdaRole": LAMBDA_ROLE, "Speaking": SPEAKING},
        refused={"ServiceToken": TOPIC},
        planes=planes("functions", "custom_resources"),
        slow=True,
    ),
    Sample(
        "AWS::Lambda::Function",
        {"Runtime": "python3.12", "Handler": "index.handler", "Code": CODE, "Role": LAMBDA_ROLE_ARN},
        {
            "Timeout": 10,
            "Architectures": ["arm64"],
            "Code": OTHER_CODE,
            "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Lost", "Arn"]}},
            "Description": "b",
            "Environment": {"Variables": {"COLOUR": "red"}},
            "EphemeralStorage": {"Size": 1024},
            "FunctionName": "named",
            "Handler": "index.other",
            "KmsKeyArn": KEY,
            "Layers": [ref("Packages")],
            "LoggingConfig": {"LogFormat": "JSON"},
            "MemorySize": 512,
            "PackageType": "Image",
            "ReservedConcurrentExecutions": 2,
            "Role": OTHER_ROLE_ARN,
            "Runtime": "python3.13",
            "Tags": tags("b"),
            "TracingConfig": {"Mode": "Active"},
            "VpcConfig": {"SubnetIds": [ref("LeftSubnet")], "SecurityGroupIds": [ref("LeftGroup")]},
        },
        {
            **VPCS,
            **SUBNETS,
            **GROUPS,
            "Lost": {"Type": "AWS::SQS::Queue", "Properties": {}},
            "Packages": LAYER,
            "LambdaRole": telling(LAMBDA_ROLE),
            "OtherRole": telling(LAMBDA_ROLE),
        },
        together={"PackageType": AS_IMAGE},
        refused={"ImageConfig": {"Command": ["index.other"]}},
        planes=planes("queues", "functions", function_image=True, layers=True),
        read=read_function,
        slow=True,
    ),
    Sample(
        "AWS::Lambda::LayerVersion",
        {"Content": {"S3Bucket": LAYER_BUCKET, "S3Key": "one.zip"}},
        {
            "Content": {"S3Bucket": LAYER_BUCKET, "S3Key": "two.zip"},
            "CompatibleArchitectures": ["arm64"],
            "CompatibleRuntimes": ["python3.12"],
            "Description": "b",
            "LicenseInfo": "MIT",
        },
        planes=planes("functions", layers=True),
        read=lambda cloud, record: cloud.functions.layers.size(record.identifier) > 0,
    ),
    Sample(
        "AWS::ECS::TaskDefinition",
        {"ContainerDefinitions": [CONTAINER], "Cpu": "256", "Memory": "512", "Tags": tags("a")},
        {
            "Tags": tags("b"),
            "ContainerDefinitions": [{**CONTAINER, "Image": "web:2"}],
            "Cpu": "512",
            "EphemeralStorage": {"SizeInGiB": 30},
            "ExecutionRoleArn": {"Fn::GetAtt": ["LambdaRole", "Arn"]},
            "Family": "named",
            "Memory": "1024",
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["FARGATE"],
            "RuntimePlatform": {"CpuArchitecture": "ARM64"},
            "TaskRoleArn": {"Fn::GetAtt": ["LambdaRole", "Arn"]},
        },
        {"LambdaRole": ROLE},
    ),
    Sample(
        "AWS::ECS::Service",
        {"Cluster": ref("Cluster"), "TaskDefinition": ref("Task"), "DesiredCount": 0, "Tags": tags("a")},
        {
            "Tags": tags("b"),
            "AvailabilityZoneRebalancing": "ENABLED",
            "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
            "Cluster": ref("OtherCluster"),
            "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
            "DesiredCount": 1,
            "EnableECSManagedTags": True,
            "EnableExecuteCommand": True,
            "HealthCheckGracePeriodSeconds": 5,
            "LaunchType": "FARGATE",
            "LoadBalancers": [
                {"ContainerName": CONTAINER["Name"], "ContainerPort": 8080, "TargetGroupArn": ref("Targets")}
            ],
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [ref("LeftSubnet")]}},
            "PlatformVersion": "LATEST",
            "PropagateTags": "SERVICE",
            "ServiceConnectConfiguration": {"Enabled": False},
            "ServiceName": "named",
            "ServiceRegistries": [{"RegistryArn": {"Fn::GetAtt": ["Registry", "Arn"]}, "ContainerPort": 8080}],
            "TaskDefinition": ref("OtherTask"),
        },
        {
            **VPCS,
            **SUBNETS,
            "Cluster": {"Type": "AWS::ECS::Cluster"},
            "OtherCluster": {"Type": "AWS::ECS::Cluster"},
            "LambdaRole": ROLE,
            "Task": task("one"),
            "OtherTask": task("two"),
            "Space": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "a.local"}},
            "Registry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {"NamespaceId": ref("Space")}},
            "Targets": {
                "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
                "Properties": {"TargetType": "ip", "VpcId": ref("Left"), "Protocol": "HTTP", "Port": 8080},
            },
        },
        refused={"SchedulingStrategy": "DAEMON"},
        planes=planes("containers", image=True),
        slow=True,
    ),
)
