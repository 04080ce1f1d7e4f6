"""What of ASP.NET Core does not hold where units run, by what the code calls, and frameworks whose routes are not
listed.

Input: a file's tree; the settings of a program. Output: plain values (`said`), and diagnostics at the lines of what is
refused. Sources: learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/endpoints (addresses in code and in
appsettings.json win over ASPNETCORE_URLS), docs.aws.amazon.com/apigateway (HTTP APIs have no WebSockets and no gRPC).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from klotho.annotations.comments import nodes_of
from klotho.annotations.languages.csharp.syntax import arguments_of, call_of, text_of
from klotho.annotations.model import Text
from klotho.diagnostics import Report

_REFUSED: Mapping[str, str] = {
    "MapHub": "SignalR",
    "MapBlazorHub": "Blazor Server",
    "AddInteractiveServerRenderMode": "Blazor Server",
    "UseWebSockets": "WebSockets",
    "MapGrpcService": "gRPC",
    "AddAWSLambdaHosting": "Amazon.Lambda.AspNetCoreServer",
}
"""By method, what it is of."""
_LISTENS = ("ListenAnyIP", "ListenLocalhost", "ListenUnixSocket", "Listen")
UNLISTED: Mapping[str, str] = {
    "FastEndpoints": "FastEndpoints",
    "ServiceStack": "ServiceStack",
    "Nancy": "Nancy",
    "GenHTTP": "GenHTTP",
    "HotChocolate": "Hot Chocolate",
    "Microsoft.AspNetCore.OData": "OData",
}
"""By namespace, frameworks whose routes are not looked for."""
_KESTREL = re.compile(rb'"(?:Kestrel|urls)"\s*:', re.IGNORECASE)


def said_of_libraries(root: Any) -> dict[str, Any]:
    """Calls that are refused, with their places, and namespaces that are used."""
    calls: list[list[Any]] = []
    for node in nodes_of(root, ("invocation_expression",)):
        receiver, name = call_of(node)
        if name in _REFUSED or (_names_address(name, receiver, node) and not _reads_port(root)):
            calls.append([name, node.start_byte, node.end_byte])
    using = [text_of(node.named_children[-1]) for node in nodes_of(root, ("using_directive",)) if node.named_children]
    return {"refused": calls, "using": [name for name in using if name.split(".")[0] in _first_names()]}


def _first_names() -> set[str]:
    return {name.split(".")[0] for name in UNLISTED}


def _names_address(name: str, receiver: Any, call: Any) -> bool:
    """`webBuilder.UseUrls(…)`, `options.ListenAnyIP(…)` of Kestrel, `app.Urls.Add(…)`, `app.Run("http://…")`."""
    given = arguments_of(call)
    if name == "UseUrls":
        return bool(given)
    if name in _LISTENS:
        return receiver is not None and _is_of_kestrel(call)
    if name == "Add":
        return text_of(receiver).endswith(".Urls")
    return name in ("Run", "RunAsync") and bool(given) and re.match(r'[$@]*"https?:', text_of(given[0])) is not None


def _is_of_kestrel(call: Any) -> bool:
    """Whether it stands within `ConfigureKestrel(…)`, `UseKestrel(…)` or `Configure<KestrelServerOptions>(…)`."""
    node = call.parent
    while node is not None:
        if node.type == "invocation_expression" and "Kestrel" in text_of(node.child_by_field_name("function")):
            return True
        node = node.parent
    return False


def _reads_port(root: Any) -> bool:
    """Whether the file reads `$PORT`: then the address is most likely made of it."""
    return any(text_of(node) == '"PORT"' for node in nodes_of(root, ("string_literal",)))


def refuse_calls(text: Text, said: Mapping[str, Any], report: Report) -> None:
    for name, start, end in said["refused"]:
        at = text.span(start, end)
        if name in _REFUSED:
            message = f"`{name}` of {_REFUSED[name]} is not supported yet"
            helps = ("leave it out: the unit's own server is what listens",)
            if not name.startswith("AddAWS"):
                helps = (f"leave it out: an API here carries plain HTTP; what needs {_REFUSED[name]} runs elsewhere",)
            report.error("annotation-not-yet", message, at, helps=helps)
            continue
        message = "an address in the code wins over `$PORT`, and only there the program is reached where it runs"
        helps = ("leave it out: `ASPNETCORE_URLS` says it everywhere; or make it of the variable `PORT`",)
        report.error("annotation-address", message, at, helps=helps)


def refuse_settings(text: Text, report: Report) -> None:
    """Addresses in an appsettings.json."""
    found = _KESTREL.search(text.content)
    if found is not None and not (b'"Kestrel"' in found[0] and b'"Endpoints"' not in text.content):
        message = "an address in the settings wins over `$PORT`, and only there the program is reached where it runs"
        helps = ("leave it out: `ASPNETCORE_URLS` says it; appsettings.Development.json is for this machine",)
        report.error("annotation-address", message, text.span(found.start(), found.end()), helps=helps)


def unlisted(said: Iterator[Mapping[str, Any]]) -> str | None:
    """The framework whose routes are not listed; None for ASP.NET Core alone."""
    for item in said:
        for name in item["using"]:
            for namespace, title in UNLISTED.items():
                if name == namespace or name.startswith(f"{namespace}."):
                    return title
    return None
