"""AWS::ElasticLoadBalancingV2: application load balancers, as APIs are made of.

Input: a load balancer, its listener, rules and target groups. Output: ARNs, and a port of `planes/balancers` for each
load balancer. Refuses by name what is not carried: network load balancers, a second listener of a protocol, TLS
with several certificates, other conditions than path, method and header, other actions than forward, redirect and
fixed response, targets other than tasks of ECS and pods (`ip`) and one function. Source: Elastic Load Balancing API
Reference (2015-12-01).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from klotho.catalogue.kinds.public_alb import TLS_POLICY
from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn, digest, physical_name
from klotho.localcloud.planes.balancers.plane import BALANCER, IDLE, LISTENER, TARGETS
from klotho.localcloud.planes.balancers.rules import RULE
from klotho.localcloud.planes.functions.model import name_of
from klotho.localcloud.planes.gateway.domains import certificate_of
from klotho.localcloud.service import ApiError

_ATTRIBUTES = ("routing.http.drop_invalid_header_fields.enabled", IDLE)
_MOST_VALUES = 5
_PERMISSION = "AWS::Lambda::Permission"


class LoadBalancer(Handler):
    """An application load balancer; the identifier is its ARN."""

    type_name: ClassVar[str] = BALANCER
    carries: ClassVar[frozenset[str]] = frozenset(
        {"IpAddressType", "LoadBalancerAttributes", "Name", "Scheme", "SecurityGroups", "Subnets", "Tags", "Type"}
    )

    async def create(self, request: Request) -> Outcome:
        _check_balancer(request.properties)
        name = _name(request)
        full = f"app/{name}/{digest(request.token, 16)}"
        identifier = arn("elasticloadbalancing", f"loadbalancer/{full}", self.cloud.region, self.cloud.account)
        held = self.cloud.world.get(BALANCER, identifier)
        if held is None:
            taken = [item for item in self.cloud.world.list(BALANCER) if item.attributes["LoadBalancerName"] == name]
            if taken:
                raise HandlerError(f"A load balancer with the name {name} already exists", "DuplicateLoadBalancerName")
        draft = Record.of(request, identifier, {})
        attributes = {
            "LoadBalancerArn": identifier,
            "LoadBalancerName": name,
            "LoadBalancerFullName": full,
            "CanonicalHostedZoneID": f"Z{digest(self.cloud.region, 13, 'elb-zone').upper()}",
            # No name server runs here: the address itself, with its port, takes the place of a name.
            "DNSName": f"127.0.0.1:{self.cloud.balancers.port_for(draft)}",
        }
        await self.cloud.balancers.open(replace(draft, attributes=attributes))
        return Outcome(identifier, attributes)

    async def update(self, request: Request) -> Outcome:
        _check_balancer(request.properties)
        await self.cloud.balancers.open(Record.of(request, str(request.identifier), request.attributes))
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.balancers.close(request.identifier)

    async def resume(self, record: Record) -> None:
        await self.cloud.balancers.bring_back(record)

    async def suspend(self, record: Record) -> None:
        await self.cloud.balancers.close(record.identifier)


def _check_balancer(properties: Mapping[str, Any]) -> None:
    kind = properties.get("Type", "application")
    if kind != "application":
        raise _bad(f"Type {kind} is not supported by the local cloud yet; it carries application")
    for attribute in properties.get("LoadBalancerAttributes", ()):
        if attribute.get("Key") not in _ATTRIBUTES:
            raise _bad(f"LoadBalancerAttributes {attribute.get('Key')} is not supported by the local cloud yet")
        if attribute["Key"] == IDLE and not 1 <= int(attribute.get("Value", 60)) <= 4000:
            raise _bad(f"Load balancer attribute {IDLE} must be between 1 and 4000")


class BalancerListener(Handler):
    """What a load balancer listens on; the identifier is its ARN."""

    type_name: ClassVar[str] = LISTENER
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "Certificates.CertificateArn",
            "DefaultActions.FixedResponseConfig",
            "DefaultActions.RedirectConfig",
            "DefaultActions.TargetGroupArn",
            "DefaultActions.Type",
            "LoadBalancerArn",
            "Port",
            "Protocol",
            "SslPolicy",
            "Tags",
        }
    )

    async def create(self, request: Request) -> Outcome:
        self._check(request)
        balancer = str(request.properties["LoadBalancerArn"]).partition(":loadbalancer/")[2]
        resource = f"listener/{balancer}/{digest(request.token, 16)}"
        identifier = arn("elasticloadbalancing", resource, self.cloud.region, self.cloud.account)
        await self._serve(Record.of(request, identifier, {}))
        return Outcome(identifier, {"ListenerArn": identifier})

    async def update(self, request: Request) -> Outcome:
        self._check(request)
        await self._serve(Record.of(request, str(request.identifier), request.attributes))
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self._leave(request.identifier)

    async def resume(self, record: Record) -> None:
        for name in self._names(record.properties):
            await self.cloud.domains.bring_back(record, name)

    async def suspend(self, record: Record) -> None:
        await self._leave(record.identifier)

    async def _serve(self, record: Record) -> None:
        """By the names of its certificate, and no others."""
        names = self._names(record.properties)
        if names:
            for name in names:
                await self.cloud.domains.open(record, name)
        await self._leave(record.identifier, but=names)

    async def _leave(self, identifier: str, but: Collection[str] = ()) -> None:
        for name in self.cloud.domains.names_of(identifier):
            if name not in but:
                await self.cloud.domains.close(name)

    def _names(self, properties: Mapping[str, Any]) -> list[str]:
        """Those of the certificate of a listener by TLS."""
        if properties.get("Protocol", "HTTP") != "HTTPS":
            return []
        try:
            found = self.cloud.certificates.usable(certificate_of(properties))
        except ApiError as error:
            raise HandlerError(f"The certificate can't be used: {error.message}", "CertificateNotFound") from error
        return [str(name).lower() for name in found.facts["names"]]

    def _check(self, request: Request) -> None:
        properties, world = request.properties, self.cloud.world
        protocol = properties.get("Protocol", "HTTP")
        if protocol not in ("HTTP", "HTTPS"):
            raise _bad(f"Protocol {protocol} is not supported by the local cloud yet; it carries HTTP and HTTPS")
        _check_certificates(protocol, properties)
        balancer = str(properties["LoadBalancerArn"])
        if world.get(BALANCER, balancer) is None:
            raise HandlerError(f"Load balancer {balancer} not found", "LoadBalancerNotFound")
        for other in world.list(LISTENER):
            mine = other.identifier == request.identifier or other.token == request.token
            if other.properties["LoadBalancerArn"] != balancer or mine:
                continue
            if int(other.properties["Port"]) == int(properties["Port"]):
                raise HandlerError("A listener already exists on this port", "DuplicateListener")
            if other.properties.get("Protocol", "HTTP") == protocol:
                raise _bad(f"a second listener by {protocol} is not supported by the local cloud yet")
        _check_actions(self, properties["DefaultActions"], "DefaultActions")


def _check_certificates(protocol: str, properties: Mapping[str, Any]) -> None:
    given = properties.get("Certificates") or ()
    if protocol == "HTTP" and (given or properties.get("SslPolicy")):
        raise HandlerError("Certificates and SslPolicy are for listeners by HTTPS", "InvalidConfigurationRequest")
    if protocol == "HTTPS" and len(given) != 1:
        raise HandlerError("A certificate must be specified for HTTPS listeners", "InvalidConfigurationRequest")
    if protocol == "HTTPS" and properties.get("SslPolicy", TLS_POLICY) != TLS_POLICY:
        raise _bad(
            f"SslPolicy {properties['SslPolicy']} is not supported by the local cloud yet; it carries {TLS_POLICY}"
        )


class ListenerRule(Handler):
    """Which requests go to which target group; the identifier is its ARN."""

    type_name: ClassVar[str] = RULE
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "Actions.FixedResponseConfig",
            "Actions.RedirectConfig",
            "Actions.TargetGroupArn",
            "Actions.Type",
            "Conditions.Field",
            "Conditions.HttpHeaderConfig.HttpHeaderName",
            "Conditions.HttpHeaderConfig.Values",
            "Conditions.HttpRequestMethodConfig",
            "Conditions.PathPatternConfig.Values",
            "ListenerArn",
            "Priority",
            "Tags",
        }
    )

    async def create(self, request: Request) -> Outcome:
        self._check(request)
        listener = str(request.properties["ListenerArn"]).partition(":listener/")[2]
        resource = f"listener-rule/{listener}/{digest(request.token, 16)}"
        identifier = arn("elasticloadbalancing", resource, self.cloud.region, self.cloud.account)
        return Outcome(identifier, {"RuleArn": identifier, "IsDefault": False})

    async def update(self, request: Request) -> Outcome:
        self._check(request)
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        """The engine removes the record, which is all a load balancer reads."""

    def _check(self, request: Request) -> None:
        properties, world = request.properties, self.cloud.world
        listener = str(properties["ListenerArn"])
        if world.get(LISTENER, listener) is None:
            raise HandlerError(f"One or more listeners not found: {listener}", "ListenerNotFound")
        for other in world.list(RULE):
            mine = other.identifier == request.identifier or other.token == request.token
            same = int(other.properties["Priority"]) == int(properties["Priority"])
            if other.properties["ListenerArn"] == listener and same and not mine:
                raise HandlerError(f"Priority '{properties['Priority']}' is currently in use", "PriorityInUse")
        _check_conditions(properties["Conditions"])
        _check_actions(self, properties["Actions"], "Actions")


class TargetGroup(Handler):
    """Where a rule leads: tasks of ECS services, or one function; the identifier is its ARN."""

    type_name: ClassVar[str] = TARGETS
    carries: ClassVar[frozenset[str]] = frozenset(
        {
            "HealthCheckPath",
            "Matcher.HttpCode",
            "Name",
            "Port",
            "Protocol",
            "Tags",
            "TargetType",
            "Targets.Id",
            "VpcId",
        }
    )

    async def create(self, request: Request) -> Outcome:
        name = _name(request)
        full = f"targetgroup/{name}/{digest(request.token, 16)}"
        identifier = arn("elasticloadbalancing", full, self.cloud.region, self.cloud.account)
        self._check(request, identifier)
        taken = [item for item in self.cloud.world.list(TARGETS) if item.attributes["TargetGroupName"] == name]
        if any(item.token != request.token for item in taken):
            raise HandlerError(f"A target group with the name {name} already exists", "DuplicateTargetGroupName")
        attributes = {"TargetGroupArn": identifier, "TargetGroupName": name, "TargetGroupFullName": full}
        return Outcome(identifier, {**attributes, "LoadBalancerArns": []})

    async def update(self, request: Request) -> Outcome:
        self._check(request, str(request.identifier))
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        for record in (*self.cloud.world.list(RULE), *self.cloud.world.list(LISTENER)):
            actions = record.properties.get("Actions") or record.properties.get("DefaultActions") or ()
            if any(action.get("TargetGroupArn") == request.identifier for action in actions):
                raise HandlerError(
                    f"Target group '{request.identifier}' is currently in use by a listener or a rule", "ResourceInUse"
                )

    def _check(self, request: Request, identifier: str) -> None:
        properties = request.properties
        kind, targets = properties.get("TargetType", "instance"), properties.get("Targets", ())
        if properties.get("Protocol", "HTTP") != "HTTP":
            raise _bad(f"Protocol {properties['Protocol']} is not supported by the local cloud yet; use HTTP")
        if kind == "ip":
            if targets:
                raise _bad("Targets of the type ip are registered by ECS here; leave Targets out")
            return
        if kind != "lambda":
            raise _bad(f"TargetType {kind} is not supported by the local cloud yet; it carries ip and lambda")
        if len(targets) != 1:
            raise _bad("Targets of the type lambda: exactly one function")
        function = name_of(str(targets[0]["Id"]))
        if self.cloud.world.get("AWS::Lambda::Function", function) is None:
            raise _bad(f"the function {function} of Targets does not exist")
        if not self._permitted(function, identifier):
            raise HandlerError(
                f"elasticloadbalancing principal does not have permission to invoke {function} from target group "
                f"{identifier}", "AccessDenied",
            )  # fmt: skip

    def _permitted(self, function: str, identifier: str) -> bool:
        for record in self.cloud.world.list(_PERMISSION):
            allowed = record.properties
            if (
                name_of(str(allowed.get("FunctionName", ""))) == function
                and allowed.get("Principal") == "elasticloadbalancing.amazonaws.com"
                and fnmatch.fnmatchcase(identifier, str(allowed.get("SourceArn", "*")))
            ):
                return True
        return False


def _check_conditions(conditions: list[Mapping[str, Any]]) -> None:
    count = 0
    for condition in conditions:
        if condition.get("Field") == "path-pattern":
            values = (condition.get("PathPatternConfig") or {}).get("Values", ())
        elif condition.get("Field") == "http-request-method":
            values = (condition.get("HttpRequestMethodConfig") or {}).get("Values", ())
        elif condition.get("Field") == "http-header":
            values = (condition.get("HttpHeaderConfig") or {}).get("Values", ())
            if not (condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName"):
                raise _bad("Conditions by http-header need HttpHeaderName in their HttpHeaderConfig")
        else:
            raise _bad(f"Conditions by {condition.get('Field')} are not supported by the local cloud yet")
        if not values:
            raise _bad("Conditions need Values in their PathPatternConfig, HttpHeaderConfig or HttpRequestMethodConfig")
        count += len(values)
    if count > _MOST_VALUES:
        raise HandlerError(
            f"Conditions have {count} values, and a rule takes {_MOST_VALUES}", "TooManyUniqueTargetGroups"
        )


def _check_actions(handler: Handler, actions: list[Mapping[str, Any]], name: str) -> None:
    if len(actions) != 1 or actions[0].get("Type") not in ("forward", "redirect", "fixed-response"):
        raise _bad(f"{name}: the local cloud carries one action, forward, redirect or fixed-response")
    action = actions[0]
    if action["Type"] == "fixed-response":
        if "StatusCode" not in (action.get("FixedResponseConfig") or {}):
            raise _bad(f"{name}: a fixed-response needs FixedResponseConfig.StatusCode")
    elif action["Type"] == "redirect":
        if str((action.get("RedirectConfig") or {}).get("StatusCode")) not in ("HTTP_301", "HTTP_302"):
            raise _bad(f"{name}: a redirect needs RedirectConfig.StatusCode, HTTP_301 or HTTP_302")
    elif handler.cloud.world.get(TARGETS, str(action.get("TargetGroupArn"))) is None:
        raise HandlerError(f"Target groups '{action.get('TargetGroupArn')}' not found", "TargetGroupNotFound")


def _name(request: Request) -> str:
    """At most 32 characters, as AWS has them for load balancers and target groups."""
    given = request.properties.get("Name")
    return str(given or physical_name(request.stack_name, request.logical_id, request.token, 32))


def _bad(message: str) -> HandlerError:
    return HandlerError(message, "ValidationError")
