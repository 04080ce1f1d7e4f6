"""`API` as an API Gateway HTTP API with one stage that deploys by itself.

Routes belong to the services attached (see `relationships/attach.py`). Source: API Gateway Developer Guide (HTTP APIs,
CORS, logging).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.relay import relay_asset
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, Pseudo, Ref, ResourceKey, SetProperty, join, resource_key
from klotho.resources.changes import Action

_ACCESS_LOG = (
    '{"time":"$context.requestTime","request":"$context.requestId","ip":"$context.identity.sourceIp",'
    '"method":"$context.httpMethod","path":"$context.path","route":"$context.routeKey",'
    '"status":"$context.status","ms":"$context.responseLatency","error":"$context.integrationErrorMessage"}'
)
STAGE = "$default"
"""The stage whose routes are served at the root."""


def api_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "api")


def stage_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "api-stage")


def http_api(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The API, its stage and its access log."""
    logs = resource_key(construct.id, "api-logs")
    yield AddResource(logs, "AWS::Logs::LogGroup")
    yield AddResource(api_key(construct), "AWS::ApiGatewayV2::Api", {"Name": construct.name, "ProtocolType": "HTTP"})
    yield AddResource(
        stage_key(construct),
        "AWS::ApiGatewayV2::Stage",
        {
            "ApiId": Ref(api_key(construct)),
            "StageName": STAGE,
            "AutoDeploy": True,
            "AccessLogSettings": {"DestinationArn": Ref(logs, "Arn"), "Format": _ACCESS_LOG},
        },
    )
    cors = setting.parameter(construct, "cors")
    if cors:
        yield SetProperty(api_key(construct), ("CorsConfiguration",), _cors(cors, setting))


def _cors(cors: Any, setting: Setting) -> dict[str, Any]:
    return {
        "AllowOrigins": ["*"] if cors is True else [given_text(origin, setting) for origin in cors],
        "AllowMethods": ["*"],
        "AllowHeaders": ["*"],
        "MaxAge": 600,
    }


def check_api(construct: Construct, setting: Setting, report: Report) -> None:
    if construct.properties.get("public") is False:
        report.error(
            "private-api",
            f"{construct.title} is private, and an HTTP API can only be public",
            construct.place("public"),
            helps=["leave out `use`: a private API becomes an internal load balancer"],
        )


HTTP_API = Implementation(
    kind="API",
    name="http-api",
    service="Amazon API Gateway",
    expand=http_api,
    parameters={
        "public": Parameter("reachable from the internet", True),
        "cors": Parameter("True for any origin, or a list of origins"),
    },
    outputs={
        "url": Output(
            lambda construct, setting: Ref(api_key(construct), "ApiEndpoint"), "address of the API", shown=True
        )
    },
    adoption=Adoption(
        type="AWS::ApiGatewayV2::Api",
        key=api_key,
        service="apigateway",
        resource="/apis/{}",
        name=r"[a-z0-9]{8,12}",
        example="a1b2c3d4e5",
        takes=frozenset({"public"}),
        identifier=lambda found: found.name,
        attributes={
            "ApiEndpoint": lambda found: join(
                f"https://{found.name}.execute-api.", found.region, ".", Pseudo("AWS::URLSuffix")
            )
        },
    ),
    shares=lambda construct, setting: (
        ("api", None),
        ("api", "ApiEndpoint"),
        ("authorizer-*", None),
    ),
    asset=relay_asset,
    fits=lambda construct: construct.properties.get("public") is not False,
    check=check_api,
)
