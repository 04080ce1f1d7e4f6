"""AWS::Lambda::Url: an address of its own for one function.

Input: a function and who may call it. Output: a port of `planes/function_urls`. Refuses by name what is not carried:
signatures (`AWS_IAM`), streamed answers, aliases. Source: Lambda API Reference, CreateFunctionUrlConfig: a function has
one URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from klotho.localcloud.handler import Handler, HandlerError, Outcome, Record, Request
from klotho.localcloud.identity import arn
from klotho.localcloud.planes.function_urls import URL
from klotho.localcloud.planes.functions.model import name_of


class FunctionUrl(Handler):
    """A function's URL; the identifier is the function's ARN."""

    type_name: ClassVar[str] = URL
    carries: ClassVar[frozenset[str]] = frozenset({"AuthType", "Cors", "InvokeMode", "TargetFunctionArn"})

    async def create(self, request: Request) -> Outcome:
        function = self._check(request.properties)
        identifier = arn("lambda", f"function:{function}", self.cloud.region, self.cloud.account)
        held = self.cloud.world.get(URL, identifier)
        if held is not None and held.token != request.token:
            raise HandlerError(
                f"Failed to create function url config for [functionArn = {identifier}]. Error message: "
                "FunctionUrlConfig exists for this Lambda function", "ResourceConflictException",
            )  # fmt: skip
        url = await self.cloud.function_urls.open(Record.of(request, identifier, {}))
        return Outcome(identifier, {"FunctionArn": identifier, "FunctionUrl": url})

    async def update(self, request: Request) -> Outcome:
        self._check(request.properties)
        await self.cloud.function_urls.open(Record.of(request, str(request.identifier), request.attributes))
        return Outcome(str(request.identifier), dict(request.attributes))

    async def delete(self, request: Request) -> None:
        if request.identifier is not None:
            await self.cloud.function_urls.close(request.identifier)

    async def resume(self, record: Record) -> None:
        await self.cloud.function_urls.bring_back(record)

    async def suspend(self, record: Record) -> None:
        await self.cloud.function_urls.close(record.identifier)

    def _check(self, properties: Mapping[str, Any]) -> str:
        """The function's name."""
        for name, carried in (("AuthType", "NONE"), ("InvokeMode", "BUFFERED")):
            if properties.get(name, carried) != carried:
                found = properties[name]
                raise _bad(f"{name} {found} is not supported by the local cloud yet; it carries {carried}")
        cors = properties.get("Cors") or {}
        if "*" in cors.get("AllowOrigins", ()) and str(cors.get("AllowCredentials", False)).lower() == "true":
            raise _bad("AllowCredentials can't be true when AllowOrigins contains *")
        function = name_of(str(properties["TargetFunctionArn"]))
        if self.cloud.world.get("AWS::Lambda::Function", function) is None:
            raise HandlerError(f"Function not found: {properties['TargetFunctionArn']}", "ResourceNotFoundException")
        return function


def _bad(message: str) -> HandlerError:
    return HandlerError(message, "InvalidParameterValueException")
