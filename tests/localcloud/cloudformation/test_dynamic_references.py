"""Secrets in properties: fetched for the handler, and written down nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from klotho.localcloud.cloudformation.engine import Engine
from klotho.localcloud.handlers import build_handlers
from klotho.localcloud.services.secretsmanager import SecretsManager

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
