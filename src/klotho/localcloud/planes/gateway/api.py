"""One HTTP API compiled from its live records, ready to answer requests.

Input: the records of an `AWS::ApiGatewayV2::Api` and of its routes, integrations and stages, and the Lambda
permissions. Output: `HttpApi`, which says for a request which stage, route and integration answer it. Refuses nothing:
the handlers have checked the records.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from klotho.localcloud.handler import Record
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.planes.gateway.access_log import AccessLog
from klotho.localcloud.planes.gateway.authorizers import Authorizer, Guard, authorizer_of
from klotho.localcloud.planes.gateway.cors import Cors
from klotho.localcloud.planes.gateway.proxy import OVERWRITE_HEADER, HttpTarget
from klotho.localcloud.planes.gateway.request import GatewayRequest
from klotho.localcloud.planes.gateway.routes import Match, RouteKey, RouteTable, parse
from klotho.localcloud.world import World

API = "AWS::ApiGatewayV2::Api"
AUTHORIZER = "AWS::ApiGatewayV2::Authorizer"
INTEGRATION = "AWS::ApiGatewayV2::Integration"
ROUTE = "AWS::ApiGatewayV2::Route"
STAGE = "AWS::ApiGatewayV2::Stage"
PERMISSION = "AWS::Lambda::Permission"
TIMEOUT_S = 30.0
"""AWS: "Maximum integration timeout 30 seconds" for HTTP APIs; also the default."""
_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:[^/:]+")
AddressOf = Callable[[str, Mapping[str, str]], Awaitable[tuple[str, int] | None]]
"""Where an integration's URI leads now, with the headers it sets."""


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """A Lambda integration of one route."""

    function: str
    timeout_s: float
    permitted: frozenset[str]
    """The stages in which a Lambda permission lets this API's route invoke the function."""


Target = FunctionTarget | HttpTarget


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    variables: Mapping[str, str]
    access_log: AccessLog | None


@dataclass(slots=True)
class HttpApi:
    """What a listener consults for each request."""

    api_id: str
    cors: Cors | None
    stages: Mapping[str, Stage]
    table: RouteTable[Target]
    guards: Mapping[str, Guard] = field(default_factory=dict)
    """By route key; a route that is not here is open to everybody."""
    matches: dict[tuple[str, str], Match[Target] | None] = field(default_factory=dict)
    """Answers of the table for paths seen before; emptied when it has grown, since paths are the client's."""

    def stage_of(self, request: GatewayRequest) -> tuple[Stage | None, str]:
        """The stage a request is for, and its path (encoded) below that stage."""
        first, slash, rest = request.raw_path[1:].partition("/")
        stage = self.stages.get(first)
        if stage is not None and first != "$default":
            return stage, f"/{rest}" if slash else "/"
        return self.stages.get("$default"), request.raw_path

    def match(self, method: str, path: str) -> Match[Target] | None:
        key = (method, path)
        if key in self.matches:
            return self.matches[key]
        if len(self.matches) > 2000:
            self.matches.clear()
        found = self.table.match(method, [unquote(segment) for segment in path[1:].split("/")])
        self.matches[key] = found
        return found


def compile_api(world: World, api: Record, address_of: AddressOf, region: str, account: str) -> HttpApi:
    """Read everything that belongs to this API."""
    api_id = api.identifier
    stages = {str(record.properties["StageName"]): _stage(record, api_id) for record in _of(world, STAGE, api_id)}
    integrations = {record.identifier: record for record in _of(world, INTEGRATION, api_id)}
    permissions = world.list(PERMISSION)
    place = f"arn:aws:execute-api:{region}:{account}:{api_id}"
    authorizers = {
        record.identifier: _authorizer(record, permissions, place) for record in _of(world, AUTHORIZER, api_id)
    }
    routes: dict[str, Target] = {}
    guards: dict[str, Guard] = {}
    for record in _of(world, ROUTE, api_id):
        integration = integrations.get(str(record.properties.get("Target", "")).removeprefix("integrations/"))
        if integration is not None:
            key = parse(str(record.properties["RouteKey"]))
            arns = {name: f"{place}/{name}/{_route_arn(key)}" for name in stages}
            if record.properties.get("AuthorizationType", "NONE") != "NONE":
                authorizer = authorizers.get(str(record.properties["AuthorizerId"]))
                if authorizer is None:  # it is being deleted, and nobody may come in meanwhile
                    continue
                scopes = tuple(str(scope) for scope in record.properties.get("AuthorizationScopes") or ())
                guards[key.text] = Guard(authorizer, scopes)
            routes[key.text] = _target(integration, address_of, permissions, arns)
    cors = api.properties.get("CorsConfiguration")
    return HttpApi(api_id, Cors(cors) if cors else None, stages, RouteTable(routes), guards)


def _authorizer(record: Record, permissions: list[Record], place: str) -> Authorizer:
    function = function_name(str(record.properties.get("AuthorizerUri", "")))
    return authorizer_of(
        record, function, _permitted(permissions, function, f"{place}/authorizers/{record.identifier}")
    )


def _of(world: World, type_name: str, api_id: str) -> list[Record]:
    return [record for record in world.list(type_name) if record.properties.get("ApiId") == api_id]


def _stage(record: Record, api_id: str) -> Stage:
    settings = record.properties.get("AccessLogSettings") or {}
    log = None
    if settings.get("DestinationArn") and settings.get("Format"):
        group = str(settings["DestinationArn"]).partition(":log-group:")[2].removesuffix(":*")
        log = AccessLog(group, str(settings["Format"]), {"apiId": api_id})
    variables = record.properties.get("StageVariables") or {}
    return Stage(str(record.properties["StageName"]), {k: str(v) for k, v in variables.items()}, log)


def _target(integration: Record, address_of: AddressOf, permissions: list[Record], arns: Mapping[str, str]) -> Target:
    properties = integration.properties
    timeout_s = min(int(properties.get("TimeoutInMillis", TIMEOUT_S * 1000)) / 1000, TIMEOUT_S)
    uri = str(properties["IntegrationUri"])
    if properties["IntegrationType"] == "AWS_PROXY":
        name = function_name(uri)
        permitted = frozenset(stage for stage, arn in arns.items() if _permitted(permissions, name, arn))
        return FunctionTarget(name, timeout_s, permitted)
    method = str(properties.get("IntegrationMethod", "ANY"))
    parameters = properties.get("RequestParameters") or {}
    overwrite = parameters.get("overwrite:path")
    headers = {
        name.removeprefix(OVERWRITE_HEADER).lower(): str(value)
        for name, value in parameters.items()
        if name.startswith(OVERWRITE_HEADER)
    }
    if properties.get("ConnectionType") == "VPC_LINK":
        return HttpTarget(method, timeout_s, None, lambda: address_of(uri, headers), overwrite, headers=headers)
    return HttpTarget(method, timeout_s, uri, None, overwrite, headers=headers)


def function_name(uri: str) -> str:
    """The function of an integration URI: its ARN, or `arn:…:lambda:path/2015-03-31/functions/<ARN>/invocations`."""
    found = _FUNCTION.search(uri)
    return name_of(found[0] if found else uri)


def _route_arn(key: RouteKey) -> str:
    """`GET/users/{id}` as AWS writes it in a source ARN, `$default` for the default route."""
    if not key.method:
        return key.text
    return f"{'*' if key.method == 'ANY' else key.method}/{'/'.join(key.segments)}"


def _permitted(permissions: list[Record], function: str, source_arn: str) -> bool:
    """Whether a resource-based policy statement lets API Gateway invoke the function for this route."""
    for record in permissions:
        wanted = record.properties
        if (
            name_of(str(wanted.get("FunctionName", ""))) == function
            and wanted.get("Action") in ("lambda:InvokeFunction", "lambda:*")
            and wanted.get("Principal") in ("apigateway.amazonaws.com", "*")
            and _like(str(wanted.get("SourceArn", "*")), source_arn)
        ):
            return True
    return False


def _like(pattern: str, arn: str) -> bool:
    """IAM's ArnLike for the part after the account: `*` stands for anything, slashes included."""
    literal = re.sub(r"[\[\]]", lambda found: f"[{found[0]}]", pattern)
    return fnmatch.fnmatchcase(arn, literal)
