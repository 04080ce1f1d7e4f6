"""How other tools spell AWS's names, on examples of their own tests and documentation."""

from __future__ import annotations

import pytest

from klotho.emit.pulumi import names as pulumi
from klotho.emit.terraform import names as terraform


@pytest.mark.parametrize(
    ("published", "camel", "snake"),
    [
        ("DBInstanceIdentifier", "dbInstanceIdentifier", "db_instance_identifier"),
        ("VPCSecurityGroups", "vpcSecurityGroups", "vpc_security_groups"),
        ("SubnetARNs", "subnetArns", "subnet_arns"),
        ("FunctionARN", "functionArn", "function_arn"),
        ("Ipv6CidrBlock", "ipv6CidrBlock", "ipv6_cidr_block"),
        ("S3Bucket", "s3Bucket", "s3_bucket"),
        ("Name", "name", "name"),
        ("Lambda", "lambda", "lambda_"),
    ],
)
def test_pulumi_lowers_acronyms(published: str, camel: str, snake: str) -> None:
    assert (pulumi.camel(published), pulumi.snake(published)) == (camel, snake)


def test_pulumi_s_modules_and_classes() -> None:
    assert pulumi.token("AWS::RDS::DBInstance") == "aws-native:rds:DbInstance"
    assert pulumi.token("AWS::EC2::VPCGatewayAttachment") == "aws-native:ec2:VpcGatewayAttachment"
    assert pulumi.token("AWS::IAM::OIDCProvider") == "aws-native:iam:OidcProvider"


@pytest.mark.parametrize(
    ("published", "attribute"),
    [
        ("DBInstanceIdentifier", "db_instance_identifier"),
        ("Ipv6CidrBlock", "ipv_6_cidr_block"),
        ("S3Bucket", "s3_bucket"),
        ("AWS99Thing", "aws99_thing"),
        ("CloudWatchLogsLogGroupArn", "cloudwatch_logs_log_group_arn"),
    ],
)
def test_terraform_breaks_words_where_the_case_changes(published: str, attribute: str) -> None:
    assert terraform.snake(published) == attribute


def test_terraform_keeps_id_for_what_cloud_control_calls_a_resource() -> None:
    assert terraform.attribute("AWS::SecretsManager::Secret", "Id") == "secret_id"
    assert terraform.attribute("AWS::RDS::DBInstance", "Endpoint.Address") == "endpoint.address"
