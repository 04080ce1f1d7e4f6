"""DeletionPolicy Snapshot with a real database: the data is kept, the instance goes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from .bench import SUBJECT, Crash, bench
from .samples import SAMPLES

pytestmark = pytest.mark.localcloud
DATABASE = SAMPLES["AWS::RDS::DBInstance"]


def body(text: str) -> str:
    document = json.loads(text)
    document["Resources"][SUBJECT]["DeletionPolicy"] = "Snapshot"
    return json.dumps(document)


def test_a_database_goes_with_a_snapshot_even_when_the_deletion_is_interrupted(tmp_path: Path) -> None:
    async def created() -> None:
        async with bench(DATABASE, tmp_path) as at:
            at.engine.create_stack(at.request(body(at.body())))
            assert await at.status() == "CREATE_COMPLETE", at.reason()

    def strike(name: str) -> None:
        if name == f"handled delete/{SUBJECT}":
            raise Crash(name)

    async def interrupted() -> None:
        async with bench(DATABASE, tmp_path, strike) as at:
            await at.delete()

    async def recovered() -> None:
        async with bench(DATABASE, tmp_path) as at:
            await at.engine.recover()
            assert await at.status() == "DELETE_COMPLETE", at.reason()
            assert list(at.world.all()) == []

    asyncio.run(created())
    with pytest.raises(Crash):
        asyncio.run(interrupted())
    asyncio.run(recovered())
    kept = [path for path in tmp_path.rglob("PG_VERSION") if "snapshot" in str(path)]
    assert kept, "no snapshot was kept"
