"""Samples of the passive types around containers, databases and logs."""

from __future__ import annotations

from ..sample import REMOVED, Sample
from .network import SUBNETS, VPCS, ref, tags

CLUSTER = {"Type": "AWS::ECS::Cluster"}
SPOT = [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]

TOPIC = "arn:aws:sns:eu-west-1:000000000000:"
ERRORS = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": "f"}]}
STATISTIC = {"Metric": ERRORS, "Period": 60, "Stat": "Sum"}
WITHOUT_METRIC = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"), REMOVED)

SCALED = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount", "ResourceId": "service/c/one"}
TARGET = {
    "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
    "Properties": {**SCALED, "MinCapacity": 1, "MaxCapacity": 2},
}
OTHER_TARGET = {"Type": TARGET["Type"], "Properties": {**SCALED, "ResourceId": "service/c/two", "MinCapacity": 1,
                                                       "MaxCapacity": 2}}  # fmt: skip


def tracking(metric: str) -> dict[str, object]:
    return {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}, "TargetValue": 60}


SAMPLES = (
    Sample(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {**SCALED, "MinCapacity": 1, "MaxCapacity": 2, "Tags": tags("a")},
        {
            "MaxCapacity": 3,
            "MinCapacity": 2,
            "ResourceId": "table/one",
            "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
            "ServiceNamespace": "dynamodb",
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "PolicyName": "a",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": ref("One"),
            "TargetTrackingScalingPolicyConfiguration": tracking("ECSServiceAverageCPUUtilization"),
        },
        {
            "PolicyName": "b",
            "PolicyType": "StepScaling",
            "ResourceId": "service/c/one",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ScalingTargetId": ref("Two"),
            "ServiceNamespace": "ecs",
            "TargetTrackingScalingPolicyConfiguration": tracking("ECSServiceAverageMemoryUtilization"),
        },
        {"One": TARGET, "Two": OTHER_TARGET},
    ),
    Sample(
        "AWS::CloudWatch::Alarm",
        {
            **ERRORS,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Tags": tags("a"),
        },
        {
            "AlarmActions": [TOPIC + "one"],
            "AlarmDescription": "b",
            "AlarmName": "named",
            "ComparisonOperator": "LessThanThreshold",
            "DatapointsToAlarm": 1,
            "Dimensions": [{"Name": "FunctionName", "Value": "g"}],
            "EvaluationPeriods": 2,
            "ExtendedStatistic": "p99",
            "MetricName": "Throttles",
            "Metrics": [
                {"Id": "a", "MetricStat": STATISTIC, "ReturnData": False},
                {"Id": "b", "Expression": "a * 2", "ReturnData": True},
            ],
            "Namespace": "Own",
            "OKActions": [TOPIC + "two"],
            "Period": 300,
            "Statistic": "Maximum",
            "Tags": tags("b"),
            "Threshold": 2,
            "TreatMissingData": "notBreaching",
        },
        together={"ExtendedStatistic": {"Statistic": REMOVED}, "Metrics": WITHOUT_METRIC},
    ),
    Sample(
        "AWS::ECS::Cluster",
        {"CapacityProviders": ["FARGATE"], "Tags": tags("a")},
        {
            "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "ClusterName": "named",
            "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
            "DefaultCapacityProviderStrategy": SPOT,
            "ServiceConnectDefaults": {"Namespace": "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/ns-1"},
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::ECS::ClusterCapacityProviderAssociations",
        {"Cluster": ref("Left"), "CapacityProviders": ["FARGATE"], "DefaultCapacityProviderStrategy": []},
        {"Cluster": ref("Right"), "CapacityProviders": ["FARGATE_SPOT"], "DefaultCapacityProviderStrategy": SPOT},
        {"Left": CLUSTER, "Right": CLUSTER},
    ),
    Sample(
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 7, "Tags": tags("a")},
        {
            "RetentionInDays": 14,
            "KmsKeyId": "arn:aws:kms:eu-west-1:000000000000:key/12345678-1234-1234-1234-123456789012",
            "LogGroupClass": "INFREQUENT_ACCESS",
            "LogGroupName": "/named",
            "Tags": tags("b"),
        },
    ),
    Sample(
        "AWS::RDS::DBSubnetGroup",
        {"DBSubnetGroupDescription": "a", "SubnetIds": [ref("LeftSubnet")], "Tags": tags("a")},
        {
            "DBSubnetGroupDescription": "b",
            "DBSubnetGroupName": "named",
            "SubnetIds": [ref("LeftSubnet"), ref("OtherSubnet")],
            "Tags": tags("b"),
        },
        {**VPCS, **SUBNETS},
    ),
    Sample(
        "AWS::RDS::DBParameterGroup",
        {"Description": "a", "Family": "postgres16", "Parameters": {"max_connections": "50"}, "Tags": tags("a")},
        {
            "Description": "b",
            "DBParameterGroupName": "named",
            "Family": "postgres17",
            "Parameters": {"max_connections": "60"},
            "Tags": tags("b"),
        },
    ),
)
