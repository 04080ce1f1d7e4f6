"""A service that this one may call: a Grant in; its addresses, or a way to invoke it, out.

Containers have `url` (http) and `address(protocol)`; functions have `arn` and `invoke`. Refuses protocols
that were not granted, by name, with the verb that grants them.
"""

from __future__ import annotations

from klotho.runtime.errors import ServiceError, WrongKindError
from klotho.runtime.grants import this_service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from klotho.runtime.grants import Grant

LONGEST_INVOCATION_SECONDS = 900.0
"""Lambda's longest timeout (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


class Service:
    """One service; `name` and `kind` as in infra.py."""

    __slots__ = ("_grant", "kind", "name")

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self.name = grant.name
        self.kind = grant.kind

    def __repr__(self) -> str:
        return f"<Service {self.name!r} {self.kind}>"

    @property
    def protocols(self) -> list[str]:
        """What this service may be called by: `http`, `grpc`, or `invoke` for a function."""
        fields = self._grant.fields
        if self.kind == "Compute.Function":
            return ["invoke"]
        found = {protocol for protocol in ("http", "grpc") if protocol in fields}
        if "discover" in fields:
            found.add(str(fields["discover"].get("protocol", "http")))
        if "function" in fields:
            found.add("invoke")
        if "web" in fields:
            found.add("http")
        return sorted(found)

    @property
    def url(self) -> str:
        """The base URL for HTTP, without a trailing slash. Ask each time: behind a function the instance may change."""
        address = self.address("http")
        return f"http://{address}" if "http" not in self._grant.fields else str(self._grant["http"]).rstrip("/")

    @property
    def grpc(self) -> str:
        """The `host:port` for gRPC."""
        return self.address("grpc")

    def address(self, protocol: str) -> str:
        """The `host:port` for `http` or `grpc`. Raises WrongKindError if that protocol was not granted."""
        if protocol not in self.protocols or protocol == "invoke":
            raise self._not_granted(protocol)
        if "web" in self._grant.fields:
            from klotho.runtime.web_calls import gateway_to

            return gateway_to(str(self._grant["web"]))
        if protocol not in self._grant.fields:
            from klotho.runtime.discovery import instances

            discover = self._grant["discover"]
            return instances.one(str(discover["namespace"]), str(discover["service"]))
        return _host_and_port(str(self._grant[protocol]))

    @property
    def arn(self) -> str:
        """The function's ARN. Raises WrongKindError if this is not a function, or one that is not on Lambda."""
        if self.kind == "Compute.Function" and "function" not in self._grant.fields:
            raise WrongKindError(f"service {self.name!r} runs on Fargate and has no ARN to invoke it by: use .invoke")
        if "function" not in self._grant.fields:
            raise self._not_granted("invoke")
        return str(self._grant["function"])

    def invoke(self, payload: object = None, *, wait: bool = True, timeout: float = LONGEST_INVOCATION_SECONDS) -> Any:
        """Run the function with a JSON payload and return what it returned.

        With `wait=False` it is queued instead (Lambda then retries failures itself) and None is returned.
        `timeout` in seconds, default 900: how long to wait for the answer. Raises ServiceError if the
        function fails, AwsError if it could not be run (also ThrottlingException after retries), TypeError if
        the payload is not JSON. A call whose answer is lost is not repeated, since the function may have run.
        """
        import json
        from urllib.parse import quote

        from klotho.runtime.aws import region_of_arn, request

        if self.kind == "Compute.Function" and "function" not in self._grant.fields:
            return self._invoke_at_its_server(json.dumps(payload).encode(), wait, timeout)
        path = f"/2015-03-31/functions/{quote(self.arn, safe='')}/invocations"
        headers = {
            "Content-Type": "application/json",
            "X-Amz-Invocation-Type": "RequestResponse" if wait else "Event",
        }
        response = request(
            "lambda", "POST", path, headers, json.dumps(payload).encode(),
            region=region_of_arn(self.arn), repeatable=False, read_timeout=timeout,
        )  # fmt: skip
        if not wait:
            return None
        result = json.loads(response.body) if response.body else None
        if "x-amz-function-error" in response.headers:
            raise _failure(self.name, result)
        return result

    def _invoke_at_its_server(self, payload: bytes, wait: bool, timeout: float) -> Any:
        """A function on Fargate takes the same call without a signature: its port lets in who was granted it."""
        import json
        from urllib.parse import quote

        from klotho.runtime.errors import AwsError
        from klotho.runtime.transport import TransportError, send

        path = f"/2015-03-31/functions/{quote(self.name, safe='')}/invocations"
        headers = {
            "Content-Type": "application/json",
            "X-Amz-Invocation-Type": "RequestResponse" if wait else "Event",
        }
        try:
            response = send("POST", f"http://{self._server()}{path}", headers, payload, read_timeout=timeout)
        except TransportError as error:
            raise AwsError("lambda", "ConnectionError", str(error)) from error
        if response.status >= 300:
            raise AwsError("lambda", "ServiceException", response.body.decode("utf-8", "replace"), response.status)
        if not wait:
            return None
        result = json.loads(response.body) if response.body else None
        if "x-amz-function-error" in response.headers:
            raise _failure(self.name, result)
        return result

    def _server(self) -> str:
        if "http" in self._grant.fields:
            return _host_and_port(str(self._grant["http"]))
        from klotho.runtime.discovery import instances

        discover = self._grant["discover"]
        return instances.one(str(discover["namespace"]), str(discover["service"]))

    def _not_granted(self, protocol: str) -> WrongKindError:
        has = ", ".join(self.protocols) or "nothing"
        text = f"service {self.name!r} ({self.kind}) may be called by {has}, not by {protocol}."
        if self.kind == "Compute.Function":
            return WrongKindError(f"{text} Functions have no address: use .invoke(payload).")
        if protocol == "invoke":
            return WrongKindError(f"{text} Containers are called at .url, not invoked.")
        me = this_service() or "this_service"
        return WrongKindError(
            f'{text} To grant it, write {me}.calls({self.name}, "{protocol}") in infra.py and run `klotho up`.'
        )


def _host_and_port(address: str) -> str:
    from urllib.parse import urlsplit

    if "//" not in address:
        return address
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _failure(service: str, result: Any) -> ServiceError:
    fields = result if isinstance(result, dict) else {"errorMessage": result}
    # Python functions say `stackTrace`, Node functions `trace`.
    trace = fields.get("stackTrace") or fields.get("trace") or []
    lines = tuple(str(line) for line in trace) if isinstance(trace, list) else (str(trace),)
    return ServiceError(service, str(fields.get("errorType", "Error")), str(fields.get("errorMessage", "")), lines)
