"""Samples of CloudFront."""

from __future__ import annotations

from typing import Any

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import Record
from klotho.localcloud.planes.cdn.distribution import read_distribution

from ..planes import planes
from ..sample import Sample
from .network import tags

CODE = "function handler(event) { return event.request; }"
OTHER_CODE = "function handler(event) { event.request.uri = '/other'; return event.request; }"
RUNTIME = {"Comment": "paths", "Runtime": "cloudfront-js-2.0"}
OPTIMIZED, DISABLED = "658327ea-f89d-4fab-a63d-7e88639e58f6", "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def access(name: str) -> dict[str, Any]:
    config = {"OriginAccessControlOriginType": "s3", "SigningBehavior": "always", "SigningProtocol": "sigv4"}
    return {"Name": name, **config}


def headers(name: str, frame: str) -> dict[str, Any]:
    return {"Name": name, "SecurityHeadersConfig": {"FrameOptions": {"FrameOption": frame, "Override": True}}}


def cached(name: str, seconds: int) -> dict[str, Any]:
    nothing = {"CookiesConfig": {"CookieBehavior": "none"}, "HeadersConfig": {"HeaderBehavior": "none"},
               "QueryStringsConfig": {"QueryStringBehavior": "none"}, "EnableAcceptEncodingGzip": True}  # fmt: skip
    ttl = {"MinTTL": 0, "DefaultTTL": seconds, "MaxTTL": 1000}
    return {"Name": name, **ttl, "ParametersInCacheKeyAndForwardedToOrigin": nothing}


def config(**changed: Any) -> dict[str, Any]:
    function = {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["Paths", "FunctionARN"]}}
    behavior = {
        "TargetOriginId": "files",
        "ViewerProtocolPolicy": "redirect-to-https",
        "Compress": True,
        "CachePolicyId": changed.pop("cache", OPTIMIZED),
        "ResponseHeadersPolicyId": {"Ref": "Headers"},
        "FunctionAssociations": [function],
    }
    origin = {
        "Id": "files",
        "DomainName": "site.s3.eu-west-1.amazonaws.com",
        "OriginAccessControlId": {"Ref": "Access"},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    return {"Enabled": True, "Comment": "a", "Origins": [origin], "DefaultCacheBehavior": behavior, **changed}


def read_served(cloud: Cloud, record: Record) -> Any:
    units = [(unit.name, unit.state, unit.application) for unit in cloud.cdn.status()]
    return units, read_distribution(record, cloud.world)


COMPANIONS = {
    "Access": {
        "Type": "AWS::CloudFront::OriginAccessControl",
        "Properties": {"OriginAccessControlConfig": access("access")},
    },
    "Headers": {
        "Type": "AWS::CloudFront::ResponseHeadersPolicy",
        "Properties": {"ResponseHeadersPolicyConfig": headers("headers", "DENY")},
    },
    "Paths": {
        "Type": "AWS::CloudFront::Function",
        "Properties": {"Name": "paths", "AutoPublish": True, "FunctionCode": CODE, "FunctionConfig": RUNTIME},
    },
}

SAMPLES = (
    Sample(
        "AWS::CloudFront::Distribution",
        {"DistributionConfig": config(), "Tags": tags("a")},
        {
            "DistributionConfig": config(
                cache=DISABLED,
                Comment="b",
                DefaultRootObject="index.html",
                PriceClass="PriceClass_100",
                Aliases=["shop.example"],
                CustomErrorResponses=[{"ErrorCode": 404, "ResponseCode": 404, "ResponsePagePath": "/404.html"}],
            ),
            "Tags": tags("b"),
        },
        COMPANIONS,
        planes=planes("cdn"),
        read=read_served,
        slow=True,
    ),
    Sample(
        "AWS::CloudFront::OriginAccessControl",
        {"OriginAccessControlConfig": access("a")},
        {"OriginAccessControlConfig": access("b")},
    ),
    Sample(
        "AWS::CloudFront::ResponseHeadersPolicy",
        {"ResponseHeadersPolicyConfig": headers("a", "DENY")},
        {"ResponseHeadersPolicyConfig": headers("b", "SAMEORIGIN")},
    ),
    Sample(
        "AWS::CloudFront::CachePolicy",
        {"CachePolicyConfig": cached("a", 10)},
        {"CachePolicyConfig": cached("b", 20)},
    ),
    Sample(
        "AWS::CloudFront::Function",
        {"Name": "a", "AutoPublish": True, "FunctionCode": CODE, "FunctionConfig": RUNTIME, "Tags": tags("a")},
        {
            "FunctionCode": OTHER_CODE,
            "FunctionConfig": {**RUNTIME, "Comment": "other"},
            "Name": "b",
            "Tags": tags("b"),
        },
        refused={"AutoPublish": False},
        planes=planes("cdn"),
        slow=True,
    ),
)
