"""`up` with a cloud that throttles, breaks, loses answers, says what was, or refuses one resource: the same end."""

from __future__ import annotations

import random
import re
import types
from collections.abc import Iterator
from typing import Any

import botocore.endpoint
import pytest

from klotho.localcloud.handler import HandlerError, Request
from klotho.localcloud.service import ApiCall, ApiResponse

from .builders import Serve, ServedCloud
from .deployer import Deployer, manifest, results
from .forty import forty
from .state import state_of

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(400)]
SHARE = 0.3


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with ServedCloud(tmp_path_factory.mktemp("troubled")) as made:
        yield made


@pytest.fixture(scope="module")
def deployer(served: ServedCloud) -> Deployer:
    return Deployer(served.port)


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits up to 20 s between tries; the number of tries is what counts here."""
    monkeypatch.setattr(botocore.endpoint, "time", types.SimpleNamespace(sleep=lambda seconds: None))


def removed(served: ServedCloud, deployer: Deployer) -> None:
    async def none(call: ApiCall, serve: Serve) -> ApiResponse:
        return await serve(call)

    served.trouble = none
    served.settle()
    assert deployer.up(*manifest({})).ok
    assert list(served.cloud.world.all()) == []


@pytest.fixture(scope="module")
def whole(served: ServedCloud, deployer: Deployer) -> list[Any]:
    """What there is after each version, undisturbed."""
    found = []
    for version in (1, 2):
        assert deployer.up(*forty(version)).ok
        found.append(state_of(served))
    removed(served, deployer)
    return found


def error(status: int, code: str) -> ApiResponse:
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    return ApiResponse(status, body.encode(), {"content-type": "text/xml"})


@pytest.mark.parametrize("seed", range(3))
def test_throttling_and_broken_answers_at_30_percent(
    served: ServedCloud, deployer: Deployer, whole: list[Any], seed: int
) -> None:
    chance, hurt = random.Random(seed), [0]

    async def trouble(call: ApiCall, serve: Serve) -> ApiResponse:
        if chance.random() >= SHARE:
            return await serve(call)
        hurt[0] += 1
        how = chance.randrange(4)
        if how == 0:
            return error(400, "Throttling")
        if how == 1:
            return error(429, "TooManyRequestsException")
        if how == 2:
            return error(503, "ServiceUnavailable")
        await serve(call)  # it was done, and nobody heard of it
        return error(500, "InternalFailure")

    served.trouble = trouble
    for version in (1, 2):
        done = deployer.up(*forty(version))
        assert (done.ok, done.left) == (True, ()), done
        assert state_of(served) == whole[version - 1]
    assert hurt[0] >= 5
    removed(served, deployer)


@pytest.mark.parametrize("times", [1, 3])
def test_answers_of_what_was(served: ServedCloud, deployer: Deployer, whole: list[Any], times: int) -> None:
    """DescribeStacks and DescribeStackEvents give the same old answer a few times before a new one, "does not exist"
    included."""
    kept: dict[bytes, tuple[int, ApiResponse]] = {}

    async def trouble(call: ApiCall, serve: Serve) -> ApiResponse:
        if not re.search(rb"Action=DescribeStack(s|Events)\b", call.body):
            return await serve(call)
        told, answer = kept.get(call.body, (0, None))
        if answer is not None and told < times:
            kept[call.body] = (told + 1, answer)
            return answer
        answer = await serve(call)
        kept[call.body] = (0, answer)
        return answer

    served.trouble, seen = trouble, len(deployer.seen)
    for version in (1, 2):
        done = deployer.up(*forty(version))
        assert (done.ok, done.left) == (True, ()), [str(event) for event in deployer.seen[seen:]]
        assert state_of(served) == whole[version - 1], [str(event) for event in deployer.seen[seen:]]
        seen = len(deployer.seen)
    removed(served, deployer)


def test_a_permanent_failure_at_each_resource_in_turn(
    served: ServedCloud, deployer: Deployer, whole: list[Any]
) -> None:
    """Its stack is rolled back, what does not need it is finished, what needs it is skipped; once it is put right the
    next run does the rest."""
    after = {"network": {"left", "right"}, "left": {"right"}, "right": set()}
    targets = [
        (stack.removeprefix("shop-"), name)
        for stack, item in whole[0]["stacks"].items()
        for name, _ in item["resources"]
    ]
    assert len(targets) == 40
    for stack, name in targets:
        with refusing(served, stack, name):
            done = deployer.up(*forty())
        expected = {
            other: "failed" if other == stack else "skipped" if other in after[stack] else "created" for other in after
        }
        assert results(done) == expected, name
        (failed,) = done.failed
        assert failed.cause is not None
        assert (failed.cause.logical_id, failed.cause.reason) == (name, "never")
        assert not [record for record in served.cloud.world.all() if record.stack_name == f"shop-{stack}"]
        assert deployer.up(*forty()).ok
        assert state_of(served) == whole[0], name
        removed(served, deployer)


class refusing:
    """While it is open, one resource can't be created."""

    def __init__(self, served: ServedCloud, stack: str, name: str) -> None:
        self._served, self._stack, self._name = served, f"shop-{stack}", name
        self._whole = served.engine.handlers

    def __enter__(self) -> None:
        changed = dict(self._served.handlers)
        for type_name, handler in changed.items():
            changed[type_name] = _Refusing(handler, self._stack, self._name)  # type: ignore[assignment]
        self._served.engine.handlers = changed  # type: ignore[assignment]

    def __exit__(self, *exception: object) -> None:
        self._served.engine.handlers = self._whole


class _Refusing:
    """A handler that refuses to create one resource."""

    def __init__(self, handler: Any, stack: str, name: str) -> None:
        self._handler, self._stack, self._name = handler, stack, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    async def create(self, request: Request) -> Any:
        if (request.stack_name, request.logical_id) == (self._stack, self._name):
            raise HandlerError("never", "NotStabilized")
        return await self._handler.create(request)
