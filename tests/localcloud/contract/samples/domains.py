"""Samples of custom domains, their certificates and records."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record

from ..planes import planes
from ..sample import Sample
from .http import API, OTHER_API
from .network import ref, tags

OTHER = "other.example"
"""In every certificate, so that a domain may be renamed."""
NAMES = planes("functions", "containers", "gateway", "certificates", "domains")


def certificate(domain: str) -> dict[str, Any]:
    properties = {"DomainName": domain, "SubjectAlternativeNames": [OTHER], "ValidationMethod": "DNS"}
    return {"Type": "AWS::CertificateManager::Certificate", "Properties": properties}


def configured(certificate_name: str) -> list[dict[str, Any]]:
    return [{"CertificateArn": ref(certificate_name), "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}]


def domain_name(domain: str) -> dict[str, Any]:
    properties = {"DomainName": domain, "DomainNameConfigurations": configured("Certificate")}
    return {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": properties}


def stage(api: str, name: str) -> dict[str, Any]:
    properties = {"ApiId": ref(api), "StageName": name, "AutoDeploy": True}
    return {"Type": "AWS::ApiGatewayV2::Stage", "Properties": properties}


def read_certificate(cloud: Cloud, record: Record) -> Any:
    found = cloud.certificates.get(record.identifier)
    return found.facts["names"], found.type


def read_domain(cloud: Cloud, record: Record) -> Any:
    return [unit.name for unit in cloud.domains.status() if unit.name == record.identifier]


SAMPLES = (
    Sample(
        "AWS::CertificateManager::Certificate",
        {"DomainName": "shop.example", "ValidationMethod": "DNS", "Tags": tags("a")},
        {
            "DomainName": "other.example",
            "DomainValidationOptions": [{"DomainName": "shop.example", "HostedZoneId": "Z0123456789"}],
            "SubjectAlternativeNames": ["www.shop.example"],
            "Tags": tags("b"),
        },
        refused={"ValidationMethod": "EMAIL"},
        planes=NAMES,
        read=read_certificate,
    ),
    Sample(
        "AWS::ApiGatewayV2::DomainName",
        {"DomainName": "shop.example", "DomainNameConfigurations": configured("One"), "Tags": {"team": "a"}},
        {
            "DomainName": "other.example",
            "DomainNameConfigurations": configured("Two"),
            "Tags": {"team": "b"},
        },
        {"One": certificate("shop.example"), "Two": certificate("shop.example")},
        refused={
            "DomainNameConfigurations": [{"CertificateArn": ref("One"), "EndpointType": "EDGE"}],
        },
        planes=NAMES,
        read=read_domain,
    ),
    Sample(
        "AWS::ApiGatewayV2::ApiMapping",
        {"ApiId": ref("Api"), "ApiMappingKey": "a", "DomainName": ref("Left"), "Stage": "shared"},
        {"ApiId": ref("OtherApi"), "ApiMappingKey": "b/c", "DomainName": ref("Right"), "Stage": "more"},
        {
            "Api": API,
            "OtherApi": OTHER_API,
            "Stage": stage("Api", "shared"),
            "OtherStage": {**stage("OtherApi", "shared"), "DependsOn": "Stage"},
            "More": {**stage("Api", "more"), "DependsOn": "OtherStage"},
            "Certificate": certificate("shop.example"),
            "Left": {**domain_name("shop.example"), "DependsOn": "More"},
            "Right": {**domain_name("other.example"), "DependsOn": "More"},
        },
        planes=NAMES,
    ),
    Sample(
        "AWS::Route53::RecordSet",
        {
            "Name": "shop.example",
            "HostedZoneId": "Z0123456789",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
        },
        {
            "AliasTarget": {"DNSName": "d-1.execute-api.eu-west-1.amazonaws.com", "HostedZoneId": "Z1"},
            "Comment": "b",
            "HostedZoneId": "Z9876543210",
            "Name": "www.shop.example",
            "ResourceRecords": ["192.0.2.2"],
            "TTL": "120",
            "Type": "AAAA",
        },
        together={"Type": {"ResourceRecords": ["2001:db8::1"]}},
    ),
)
