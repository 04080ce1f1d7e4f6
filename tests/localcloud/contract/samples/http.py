"""Samples of HTTP APIs and service discovery."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import REMOVED, Sample
from .functions import FUNCTION, LAMBDA_ROLE
from .network import SUBNETS, VPCS, ref, tags

API = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "a", "ProtocolType": "HTTP"}}
OTHER_API = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "b", "ProtocolType": "HTTP"}}
URL = "http://127.0.0.1:9/"
PROXY = {
    "IntegrationType": "HTTP_PROXY",
    "IntegrationMethod": "GET",
    "IntegrationUri": URL,
    "PayloadFormatVersion": "1.0",
}
LINK = {"Type": "AWS::ApiGatewayV2::VpcLink", "Properties": {"Name": "link", "SubnetIds": [ref("LeftSubnet")]}}
CLOUD_MAP = "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-0123456789abcdef"
ROUTES = {"GET /a": {"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 5}}


def integration(api: str) -> dict[str, Any]:
    return {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {**PROXY, "ApiId": ref(api)}}


def target(name: str) -> dict[str, str]:
    return {"Fn::Sub": f"integrations/${{{name}}}"}


LOGIN = {
    "AuthorizerType": "JWT",
    "IdentitySource": ["$request.header.Authorization"],
    "JwtConfiguration": {"Issuer": "https://login.example.com", "Audience": ["shop"]},
    "Name": "login",
}
AUTHORIZER = {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {**LOGIN, "ApiId": ref("Api")}}
ASKING = {
    "AuthorizerType": "REQUEST",
    "AuthorizerPayloadFormatVersion": "2.0",
    "AuthorizerUri": {
        "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"
    },
    "JwtConfiguration": REMOVED,
}


def namespace(name: str) -> dict[str, Any]:
    return {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": name}}


def read_api(cloud: Cloud, record: Record) -> Any:
    return record.attributes["ApiEndpoint"].rsplit(":", 1)[0]


SAMPLES = (
    Sample(
        "AWS::ApiGatewayV2::Api",
        {"Name": "shop", "ProtocolType": "HTTP"},
        {
            "Description": "b",
            "CorsConfiguration": {"AllowOrigins": ["https://example.com"]},
            "DisableExecuteApiEndpoint": False,
            "IpAddressType": "dualstack",
            "Name": "other",
            "RouteSelectionExpression": "${request.method} ${request.path}",
            "Tags": {"team": "b"},
            "Version": "2",
        },
        refused={"ProtocolType": "WEBSOCKET", "DisableExecuteApiEndpoint": True},
        planes=planes("functions", "containers", "gateway"),
        read=read_api,
    ),
    Sample(
        "AWS::ApiGatewayV2::Integration",
        {**PROXY, "ApiId": ref("Api")},
        {
            "Description": "b",
            "ApiId": ref("OtherApi"),
            "ConnectionId": ref("Link"),
            "ConnectionType": "VPC_LINK",
            "IntegrationMethod": "POST",
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": f"{URL}b",
            "PayloadFormatVersion": REMOVED,
            "RequestParameters": {"overwrite:path": "$request.path"},
            "TimeoutInMillis": 5000,
        },
        {**VPCS, **SUBNETS, "Api": API, "OtherApi": OTHER_API, "Link": LINK, "Fn": FUNCTION, "LambdaRole": LAMBDA_ROLE},
        together={
            "ConnectionId": {"ConnectionType": "VPC_LINK", "IntegrationUri": CLOUD_MAP},
            "ConnectionType": {"ConnectionId": ref("Link"), "IntegrationUri": CLOUD_MAP},
            "IntegrationType": {
                "IntegrationMethod": "POST",
                "PayloadFormatVersion": "2.0",
                "IntegrationUri": {"Fn::GetAtt": ["Fn", "Arn"]},
            },
        },
        planes=planes("functions", "containers", "gateway"),
        slow=True,
    ),
    Sample(
        "AWS::ApiGatewayV2::Route",
        {"ApiId": ref("Api"), "RouteKey": "GET /a", "Target": target("One")},
        {
            "OperationName": "b",
            "ApiId": ref("OtherApi"),
            "ApiKeyRequired": False,
            "AuthorizationScopes": ["orders/read"],
            "AuthorizationType": "JWT",
            "AuthorizerId": ref("Login"),
            "RouteKey": "POST /a/{id}",
            "Target": target("Two"),
        },
        {
            "Api": API,
            "OtherApi": OTHER_API,
            "One": integration("Api"),
            "Two": integration("Api"),
            "Other": integration("OtherApi"),
            "Login": AUTHORIZER,
        },
        together={
            "ApiId": {"Target": target("Other")},
            "AuthorizationScopes": {"AuthorizationType": "JWT", "AuthorizerId": ref("Login")},
            "AuthorizationType": {"AuthorizerId": ref("Login")},
            "AuthorizerId": {"AuthorizationType": "JWT"},
        },
        refused={"AuthorizationType": "AWS_IAM", "ApiKeyRequired": True},
        planes=planes("functions", "containers", "gateway"),
    ),
    Sample(
        "AWS::ApiGatewayV2::Authorizer",
        {**LOGIN, "ApiId": ref("Api")},
        {
            "ApiId": ref("OtherApi"),
            "AuthorizerPayloadFormatVersion": "2.0",
            "AuthorizerResultTtlInSeconds": 60,
            "AuthorizerType": "REQUEST",
            "AuthorizerUri": ASKING["AuthorizerUri"],
            "EnableSimpleResponses": True,
            "IdentitySource": ["$request.header.X-Token"],
            "JwtConfiguration": {"Issuer": "https://other.example.com", "Audience": ["a", "b"]},
            "Name": "other",
        },
        {**VPCS, **SUBNETS, "Api": API, "OtherApi": OTHER_API, "Fn": FUNCTION, "LambdaRole": LAMBDA_ROLE},
        together={
            "AuthorizerPayloadFormatVersion": ASKING,
            "AuthorizerResultTtlInSeconds": ASKING,
            "AuthorizerType": ASKING,
            "AuthorizerUri": ASKING,
            "EnableSimpleResponses": ASKING,
        },
        refused={"AuthorizerType": "TOKEN"},
        planes=planes("functions", "containers", "gateway"),
        slow=True,
    ),
    Sample(
        "AWS::ApiGatewayV2::Stage",
        {"ApiId": ref("Api"), "StageName": "$default", "AutoDeploy": True},
        {
            "Description": "b",
            "AccessLogSettings": {"DestinationArn": {"Fn::GetAtt": ["Logs", "Arn"]}, "Format": "$context.requestId"},
            "ApiId": ref("OtherApi"),
            "DefaultRouteSettings": {"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 5},
            "RouteSettings": ROUTES,
            "StageName": "prod",
            "StageVariables": {"a": "b"},
            "Tags": {"team": "b"},
        },
        {"Api": API, "OtherApi": OTHER_API, "Logs": {"Type": "AWS::Logs::LogGroup"}},
        refused={"AutoDeploy": False},
        planes=planes("functions", "containers", "gateway"),
    ),
    Sample(
        "AWS::ServiceDiscovery::HttpNamespace",
        {"Name": "a.local", "Tags": tags("a")},
        {"Description": "b", "Name": "b.local", "Tags": tags("b")},
    ),
    Sample(
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        {"Name": "a.local", "Vpc": ref("Left"), "Tags": tags("a")},
        {
            "Description": "b",
            "Name": "b.local",
            "Properties": {"DnsProperties": {"SOA": {"TTL": 60}}},
            "Tags": tags("b"),
            "Vpc": ref("Right"),
        },
        VPCS,
        together={"Vpc": {"Name": "c.local"}},
    ),
    Sample(
        "AWS::ServiceDiscovery::Service",
        {"NamespaceId": ref("Space"), "DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 10}]}},
        {
            "Description": "b",
            "DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 20}]},
            "HealthCheckCustomConfig": {"FailureThreshold": 1},
            "Name": "named",
            "NamespaceId": ref("OtherSpace"),
            "Tags": tags("b"),
            "Type": "HTTP",
        },
        {"Space": namespace("a.local"), "OtherSpace": namespace("b.local")},
    ),
)
