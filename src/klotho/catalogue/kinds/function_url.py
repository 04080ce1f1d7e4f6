"""A public API as a function URL: one function that answers every path, for as long as it may run.

Sources: AWS Lambda Developer Guide, "Function URLs" (the request and response formats are those of payload 2.0; a body
ends at 6 MB), "Control access to Lambda function URLs" (since October 2025 everybody needs both
`lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`, the second one for calls through the URL only).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from klotho.application import Application, Construct, ConstructId, Relationship, references
from klotho.application.access import ATTACH
from klotho.application.routes import methods_of
from klotho.catalogue.kinds.balancer import elsewhere
from klotho.catalogue.kinds.function import function_key
from klotho.catalogue.kinds.http_api import HTTP_API
from klotho.catalogue.kinds.internal_alb import is_private
from klotho.catalogue.kinds.values import given_text
from klotho.catalogue.rules import LAMBDA, Implementation, Output, Setting
from klotho.diagnostics import Label, Report
from klotho.resources import AddResource, BaseUrl, Ref, ResourceKey, resource_key
from klotho.resources.changes import Action

NAME = "function-url"
EVERYBODY = "NONE"
"""The URL's authorization: it asks nobody for a signature."""
_FUNCTION = "Compute.Function"


class _Lack(NamedTuple):
    why: str
    of: Relationship | None = None


def url_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "url")


def function_url(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The URL of the one function attached, and everybody's permission to call it there and nowhere else."""
    function = _function(construct, setting.application)
    if function is None:  # told by the check
        return
    arn = Ref(function_key(function), "Arn")
    cors = setting.parameter(construct, "cors")
    shared = {} if not cors else {"Cors": _cors(cors, setting)}
    properties = {"TargetFunctionArn": arn, "AuthType": EVERYBODY, "InvokeMode": "BUFFERED", **shared}
    yield AddResource(url_key(construct), "AWS::Lambda::Url", properties)
    ways: dict[str, dict[str, Any]] = {
        "url-permission": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": EVERYBODY},
        "permission": {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
    }
    for role, way in ways.items():
        yield AddResource(
            resource_key(construct.id, role), "AWS::Lambda::Permission", {"FunctionName": arn, "Principal": "*", **way}
        )


def _function(construct: Construct, application: Application) -> Construct | None:
    attached = [item for item in application.relationships_of(construct.id) if item.verb == ATTACH]
    found = application.by_id.get(attached[0].target) if len(attached) == 1 else None
    return found if found is not None and found.kind == _FUNCTION else None


def _cors(cors: Any, setting: Setting) -> dict[str, Any]:
    return {
        "AllowOrigins": ["*"] if cors is True else [given_text(origin, setting) for origin in cors],
        "AllowMethods": ["*"],
        "AllowHeaders": ["*"],
        "MaxAge": 600,
    }


def _lacks(construct: Construct, application: Application) -> Iterator[_Lack]:
    """What the program asks of the API and this can't do."""
    attached = [item for item in application.relationships_of(construct.id) if item.verb == ATTACH]
    if len(attached) != 1:
        said = f"{len(attached)} are attached" if attached else "none is attached"
        yield _Lack(f"leads to one function, and {said}", attached[-1] if attached else None)
    for item in attached[:1]:
        yield from (_Lack(why, item) for why in _unattachable(item, application))
    for item in application.relationships_of(construct.id):
        if item.verb == "authenticates_with":
            yield _Lack("checks no tokens", item)
    for item in application.relationships_on(construct.id):
        if item.verb == "exposes":
            yield _Lack("has no name but its own", item)


def _unattachable(attached: Relationship, application: Application) -> Iterator[str]:
    service = application.construct(attached.target)
    if service.kind != _FUNCTION:
        yield f"leads to a function, and {service.label} is none"
    elif service.from_project or service.existing:
        yield f"opens {service.label} to everybody, which only who makes it can do"
    if attached.properties.get("route", "/") != "/" or methods_of(attached.properties) != {"ANY"}:
        yield "answers every path and method"
    told = _told(service, attached.actor, application)
    if told is not None:
        circle = "" if told is service else f", and {service.label} waits for {told.label}"
        yield f"has an address once {service.label} is there, which {told.label} is given beforehand{circle}"


def _told(service: Construct, api: ConstructId, application: Application) -> Construct | None:
    """Who is given the API's address, of the service and all it depends on."""
    seen, waiting = {service.id}, [service]
    while waiting:
        construct = waiting.pop()
        if any(named == api for named, _ in references(construct.properties)):
            return construct
        for item in application.relationships_of(construct.id):
            if item.target not in seen and item.target in application.by_id:
                seen.add(item.target)
                waiting.append(application.construct(item.target))
    return None


def _unable(construct: Construct, application: Application) -> Iterator[str]:
    yield from (lack.why for lack in _lacks(construct, application))


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    if is_private(construct):
        report.error(
            "private-api",
            f"{construct.title} is private, and a function URL is reached from the internet",
            construct.place("public"),
            helps=["leave out `use`: a private API becomes an internal load balancer"],
        )
    lacks = list(_lacks(construct, setting.application))
    if not lacks:
        lacks = [_Lack("leads to what runs on Lambda", item) for item in elsewhere(construct, setting, LAMBDA)]
    for lack in lacks:
        report.error(
            "api-cant-carry",
            f"{construct.title} is made as `{NAME}`, which {lack.why}",
            lack.of.span if lack.of is not None else construct.span,
            helps=['leave this out, or make it an HTTP API: leave out `use`, or say `use("http-api")`'],
        )
    if not lacks:
        _check_duration(construct, setting, report)


def _check_duration(construct: Construct, setting: Setting, report: Report) -> None:
    """The API answers as long as its function runs."""
    function = _function(construct, setting.application)
    needed = setting.application.requirements_of(construct.id).get("max_duration_s")
    if function is None or needed is None:
        return
    timeout, wanted = float(setting.parameter(function, "timeout")), float(str(needed.value))
    if timeout < wanted:
        report.error(
            "requirement-contradicted",
            f"{construct.title} is required to answer for up to {wanted:g} s, and {function.title} runs for at most "
            f"{timeout:g} s",
            needed.span,
            also=[Label(function.span, "`timeout=` is said here, or left out")] if function.span else [],
            helps=[f"write `timeout={min(int(-(-wanted // 1)), 900)}` for {function.name}, or require less"],
        )


FUNCTION_URL = Implementation(
    kind="API",
    name=NAME,
    service="AWS Lambda",
    expand=function_url,
    parameters=HTTP_API.parameters,
    outputs={
        "url": Output(
            lambda construct, setting: BaseUrl(Ref(url_key(construct), "FunctionUrl")), "address of the API", shown=True
        )
    },
    unable=_unable,
    fits=lambda construct: not is_private(construct),
    check=_check,
)
