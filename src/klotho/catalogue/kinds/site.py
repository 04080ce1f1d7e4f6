"""`Site` as private files in S3 behind a CloudFront distribution.

Only the distribution may read the bucket (Origin Access Control), over TLS. A CloudFront function rewrites the path
before the cache is asked: a folder's index page, or for a single-page application `index` for every path without a dot
in its last part. (Custom error responses would do the same for the error of any other origin put beside the files.)

The files themselves are no resource: the deployer puts them there (`SiteFiles`) once the stacks are up, and takes what
it needs to know from the outputs `bucket` and `distribution_id`.

No access logs: they cost storage, hold addresses of visitors, and need a bucket of their own; who wants them sets
`Logging` of the distribution by `override`. No ViewerCertificate: with the default certificate AWS sets the protocol's
minimum itself, whatever a template says; `serve_names` sets TLSv1.2_2021 together with a certificate of one's own.

Source: Amazon CloudFront Developer Guide (restricting access to an S3 origin, index pages and CloudFront functions,
managed cache policies, response headers policies, supported protocols between viewers and CloudFront).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption, Fact
from klotho.catalogue.kinds.site_check import build_root, check_site
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.resources import (
    AddResource,
    Pseudo,
    Ref,
    ResourceKey,
    SetProperty,
    SiteFiles,
    Value,
    join,
    resource_key,
)
from klotho.resources.changes import Action
from klotho.resources.naming import dashed, stack_name

KIND = "Site"
FILES_ROLE = "site-files"
"""The role of the bucket in its resource key: what lies in it can be made again from the program's folder."""
DEFAULT_CSP = "base-uri 'self'; frame-ancestors 'none'; object-src 'none'"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""AWS: "Managed-CachingOptimized": no query strings, headers or cookies in the cache key, gzip and Brotli."""
_YEAR_S = 31536000
_NAME_LIMIT = 48
"""Characters before the region, which has up to 15: the name of an origin access control and of a CloudFront function
has at most 64."""
_ORIGIN = "files"

_SPA = """function handler(event) {
  var request = event.request;
  if (!request.uri.split('/').pop().includes('.')) {
    request.uri = '/%s';
  }
  return request;
}
"""
_FOLDERS = """function handler(event) {
  var request = event.request;
  if (request.uri.endsWith('/')) {
    request.uri += '%s';
  }
  return request;
}
"""


def bucket_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, FILES_ROLE)


def distribution_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "distribution")


def cloudfront(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The bucket, the distribution in front of it, and the policy that lets only the distribution read."""
    yield from _bucket(construct)
    access, function = resource_key(construct.id, "site-access"), resource_key(construct.id, "site-paths")
    headers = resource_key(construct.id, "site-headers")
    name = _physical_name(construct, setting)
    yield AddResource(
        access,
        "AWS::CloudFront::OriginAccessControl",
        {
            "OriginAccessControlConfig": {
                "Name": name,
                "OriginAccessControlOriginType": "s3",
                "SigningBehavior": "always",
                "SigningProtocol": "sigv4",
            }
        },
    )
    yield AddResource(function, "AWS::CloudFront::Function", _function(construct, setting, name))
    csp = setting.parameter(construct, "csp")
    yield AddResource(headers, "AWS::CloudFront::ResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": {
        "Name": name, "SecurityHeadersConfig": _security_headers(str(csp))}})  # fmt: skip
    yield AddResource(
        distribution_key(construct),
        "AWS::CloudFront::Distribution",
        {"DistributionConfig": _distribution(construct, setting, access, function, headers)},
    )
    error = setting.parameter(construct, "error")
    if error:
        page = {"ErrorCode": 404, "ResponseCode": 404, "ResponsePagePath": f"/{error}"}
        yield SetProperty(distribution_key(construct), ("DistributionConfig", "CustomErrorResponses"), [page])
    yield from _bucket_policy(construct)


def serve_names(construct: Construct, names: Sequence[str], certificate: Value) -> Iterator[Action]:
    """The site under names of one's own; the certificate is the ARN of one in us-east-1 that covers them."""
    key = distribution_key(construct)
    yield SetProperty(key, ("DistributionConfig", "Aliases"), list(names))
    yield SetProperty(
        key,
        ("DistributionConfig", "ViewerCertificate"),
        {
            "AcmCertificateArn": certificate,
            "MinimumProtocolVersion": "TLSv1.2_2021",
            "SslSupportMethod": "sni-only",
        },
    )


def _bucket(construct: Construct) -> Iterator[Action]:
    yield AddResource(
        bucket_key(construct),
        "AWS::S3::Bucket",
        {
            # A key of KMS would have to let CloudFront decrypt, for files that everyone may read.
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
            ),
        },
    )


def _bucket_policy(construct: Construct) -> Iterator[Action]:
    bucket, arn = bucket_key(construct), Ref(bucket_key(construct), "Arn")
    everything = join(arn, "/*")
    reader = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn(construct)}},
    }
    yield AddResource(
        resource_key(construct.id, "site-policy"),
        "AWS::S3::BucketPolicy",
        {
            "Bucket": Ref(bucket),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "OnlyTls",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [arn, everything],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {"Sid": "Files", **reader, "Action": "s3:GetObject", "Resource": everything},
                    # With it S3 says 404 of a file that does not exist, without it 403. The root is always the index
                    # page, and no query string reaches S3, so that nobody can list the files.
                    {"Sid": "Missing", **reader, "Action": "s3:ListBucket", "Resource": arn},
                ],
            },
        },
    )


def _function(construct: Construct, setting: Setting, name: Value) -> dict[str, Any]:
    spa, index = setting.parameter(construct, "spa"), setting.parameter(construct, "index")
    what = "Serves the index page for every path of the application" if spa else "Serves the index page of a folder"
    return {
        "Name": name,
        "AutoPublish": True,
        "FunctionCode": (_SPA if spa else _FOLDERS) % index,
        "FunctionConfig": {"Comment": what, "Runtime": "cloudfront-js-2.0"},
    }


def _security_headers(csp: str) -> dict[str, Any]:
    return {
        "ContentSecurityPolicy": {"ContentSecurityPolicy": csp, "Override": True},
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"FrameOption": "DENY", "Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": "strict-origin-when-cross-origin", "Override": True},
        "StrictTransportSecurity": {
            "AccessControlMaxAgeSec": _YEAR_S,
            "IncludeSubdomains": True,
            "Override": True,
            "Preload": False,
        },
    }


def _distribution(
    construct: Construct, setting: Setting, access: ResourceKey, function: ResourceKey, headers: ResourceKey
) -> Mapping[str, Any]:
    return {
        "Comment": f"Site {construct.name}",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "DefaultRootObject": setting.parameter(construct, "index"),
        # North America and Europe; the other classes cost more for each request from anywhere.
        "PriceClass": "PriceClass_100",
        "Origins": [
            {
                "Id": _ORIGIN,
                "DomainName": Ref(bucket_key(construct), "RegionalDomainName"),
                "OriginAccessControlId": Ref(access, "Id"),
                # Required beside an origin access control: this says that no older access identity is used.
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            }
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": _ORIGIN,
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": ["GET", "HEAD"],
            "CachedMethods": ["GET", "HEAD"],
            "Compress": True,
            "CachePolicyId": CACHING_OPTIMIZED,
            "ResponseHeadersPolicyId": Ref(headers, "Id"),
            "FunctionAssociations": [
                {"EventType": "viewer-request", "FunctionARN": Ref(function, "FunctionMetadata.FunctionARN")}
            ],
        },
    }


def distribution_arn(construct: Construct) -> Value:
    place = ("arn:", Pseudo("AWS::Partition"), ":cloudfront::", Pseudo("AWS::AccountId"), ":distribution/")
    return join(*place, Ref(distribution_key(construct)))


def _physical_name(construct: Construct, setting: Setting) -> Value:
    """Required by AWS, the same for every deployment of this environment, unique in the account: CloudFront has no
    regions, so an environment that is in two of them has the same names twice but for the region."""
    full = stack_name(setting.application.project, setting.application.name, setting.environment, construct.name)
    return join(full if len(full) <= _NAME_LIMIT else dashed(full, _NAME_LIMIT), "-", Pseudo("AWS::Region"))


def _files(construct: Construct, setting: Setting) -> SiteFiles:
    """What the deployer publishes. The values of `environment` may name outputs: nothing waits for them, they are put
    into a file once everything is up."""
    given = setting.parameter(construct, "environment") or {}
    return SiteFiles(
        construct.id,
        {
            "directory": setting.parameter(construct, "directory"),
            "build": setting.parameter(construct, "build"),
            "root": build_root(construct, setting),
            "index": setting.parameter(construct, "index"),
            "error": setting.parameter(construct, "error"),
        },
        dict(given),
    )


CLOUDFRONT = Implementation(
    kind=KIND,
    name="cloudfront",
    service="Amazon CloudFront",
    expand=cloudfront,
    parameters={
        "directory": Parameter("the folder whose files are served; with `build` the one it writes", "web"),
        "build": Parameter("a command that makes the files (default: none)"),
        "root": Parameter("the folder `build` runs in (default: the one that holds `directory`)"),
        "index": Parameter("the page of a folder", "index.html"),
        "error": Parameter("the page for what does not exist (default: a plain 404)"),
        "spa": Parameter("serve `index` for every path whose last part has no dot", False),
        "environment": Parameter("values for the pages, served as `/klotho-config.js`; outputs may be used"),
        "csp": Parameter("the Content-Security-Policy header", DEFAULT_CSP),
    },
    outputs={
        "url": Output(
            lambda construct, setting: join("https://", Ref(distribution_key(construct), "DomainName")),
            "address of the site",
            shown=True,
        ),
        "distribution_id": Output(
            lambda construct, setting: Ref(distribution_key(construct)), "id of the CDN distribution"
        ),
        "bucket": Output(lambda construct, setting: Ref(bucket_key(construct)), "name of the bucket with the files"),
    },
    shares=lambda construct, setting: (
        ("distribution", None),
        ("distribution", "DomainName"),
        ("site-files", None),
    ),
    adoption=Adoption(
        type="AWS::CloudFront::Distribution",
        key=distribution_key,
        service="cloudfront",
        resource="distribution/{}",
        name=r"E[A-Z0-9]{6,19}",
        example="E1A2B3C4D5E6F7",
        identifier=lambda found: found.name,
        attributes={"DomainName": lambda found: found.fact("endpoint")},
        facts={"endpoint": Fact("its host name", "DomainName")},
        looked_up=lambda found: ("AWS::CloudFront::Distribution", found.name),
        outputs=frozenset({"url", "distribution_id"}),  # what is in it is published where it is deployed
    ),
    files=_files,
    remade=frozenset({FILES_ROLE}),
    after_deploy=frozenset({"environment"}),
    check=check_site,
)
