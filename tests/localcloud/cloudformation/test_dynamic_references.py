"""Secrets in properties: fetched for the handler, and written down nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.handlers import build_handlers
from klotho.localcloud.service import ApiError
from klotho.localcloud.services.secretsmanager import SecretsManager
from klotho.localcloud.services.ssm import Parameters
from klotho.localcloud.services.ssm.store import Draft

from .builders import REGION, log_group, record_cloud, stack_request, template
from .test_rollback import Stubborn

CANARY = "canary-5f2b"
pytestmark = pytest.mark.localcloud


def test_a_secret_reaches_the_handler_and_no_table(tmp_path: Path) -> None:
    seen: list[object] = []

    class Watching(Stubborn):
        carries = frozenset({"LogGroupName"})

        async def create(self, request):  # type: ignore[no-untyped-def]
            seen.append(request.properties["LogGroupName"])
            return await super().create(request)

    async def story() -> str:
        cloud = record_cloud(tmp_path, secrets=None)
        cloud.secrets = SecretsManager(cloud.database, REGION)
        arn = cloud.secrets.create("team/db", f'{{"password": "{CANARY}"}}', "token")
        engine = Engine(cloud, {**build_handlers(cloud), "AWS::Logs::LogGroup": Watching(cloud)})
        reference = f"x-{{{{resolve:secretsmanager:{arn}:SecretString:password}}}}"
        engine.create_stack(stack_request("app", template({"Logs": log_group(LogGroupName=reference)})))
        await engine.settle()
        tables = ("cf_stacks", "cf_resources", "cf_operations", "cf_steps", "cf_events", "resources")
        rows = [
            str(tuple(row)) for table in tables for row in cloud.database.connection.execute(f"select * from {table}")
        ]
        assert engine.stack("app").status == "CREATE_COMPLETE"
        missing = reference.replace("password", "nothing")
        engine.create_stack(stack_request("other", template({"Logs": log_group(LogGroupName=missing)})))
        await engine.settle()
        assert engine.stack("other").status == "ROLLBACK_COMPLETE"
        reason = engine.store.resources(engine.stack("other").stack_id)["Logs"].reason or ""
        assert "Could not find a value associated with JSONKey nothing" in reason
        assert CANARY not in reason
        cloud.database.close()
        return "\n".join(rows)

    written = asyncio.run(story())
    assert seen == [f"x-{CANARY}"]
    assert CANARY not in written
    assert "resolve:secretsmanager" in written


@pytest.mark.parametrize(
    ("reference", "status", "reason"),
    [
        ("ssm:/team/group", "CREATE_COMPLETE", "two"),
        ("ssm:/team/group:1", "CREATE_COMPLETE", "one"),
        ("ssm:/team/group:7", "ROLLBACK_COMPLETE", "could not find version 7"),
        ("ssm:nothing", "ROLLBACK_COMPLETE", "Parameter nothing not found"),
        ("ssm:hidden", "ROLLBACK_COMPLETE", "Non-secure ssm prefix was used for secure parameter: hidden"),
    ],
)
def test_a_parameter_reaches_the_handler(tmp_path: Path, reference: str, status: str, reason: str) -> None:
    seen: list[str] = []

    class Watching(Stubborn):
        carries = frozenset({"LogGroupName"})

        async def create(self, request):  # type: ignore[no-untyped-def]
            seen.append(request.properties["LogGroupName"])
            return await super().create(request)

    async def story() -> None:
        cloud = record_cloud(tmp_path)
        cloud.parameters = Parameters(cloud.database, REGION, cloud.account)
        cloud.parameters.create("/team/group", Draft("one", "String"), {}, owner="o", author="a")
        cloud.parameters.change("/team/group", Draft("two", None), author="a")
        cloud.parameters.create("hidden", Draft(CANARY, "SecureString"), {}, owner="o", author="a")
        engine = Engine(cloud, {**build_handlers(cloud), "AWS::Logs::LogGroup": Watching(cloud)})
        named = f"x-{{{{resolve:{reference}}}}}"
        engine.create_stack(stack_request("app", template({"Logs": log_group(LogGroupName=named)})))
        await engine.settle()
        stack = engine.stack("app")
        assert stack.status == status
        if seen:
            assert seen == [f"x-{reason}"]
        else:
            why = engine.store.resources(stack.stack_id)["Logs"].reason or ""
            assert reason in why
            assert CANARY not in why
        cloud.database.close()

    asyncio.run(story())


@pytest.mark.parametrize("reference", ["ssm:", "ssm:a:b", "ssm-secure:a:1"])
def test_a_reference_that_can_not_be_followed_is_refused_before_the_start(tmp_path: Path, reference: str) -> None:
    async def story() -> None:
        cloud = record_cloud(tmp_path)
        engine = Engine(cloud, build_handlers(cloud))
        body = template({"Logs": log_group(LogGroupName=f"{{{{resolve:{reference}}}}}")})
        with pytest.raises(ApiError, match=r"Malformed dynamic reference|Dynamic reference to ssm-secure"):
            engine.create_stack(stack_request("app", body))
        cloud.database.close()

    asyncio.run(story())
