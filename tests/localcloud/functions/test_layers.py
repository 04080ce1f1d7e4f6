"""What functions see of their layers, as on AWS."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from klotho.localcloud.cloud import Cloud
from klotho.localcloud.handler import HandlerError, Record
from klotho.localcloud.handlers.lambda_function import LambdaFunction
from klotho.localcloud.handlers.lambda_layer import LayerVersion
from klotho.localcloud.planes.functions import layers
from tests.localcloud.functions.testbed import (
    BUCKET,
    call,
    functions_cloud,
    make,
    make_function,
    node,
    package,
    python,
    request,
)

pytestmark = pytest.mark.localcloud


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def alone(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return alone


TELLS = "import said\n\ndef handler(event, context):\n    return said.WORD\n"


async def layer(cloud: Cloud, name: str, files: dict[str, str | bytes]) -> str:
    """A version's ARN."""
    cloud.objects.put(BUCKET, f"{name}.zip", package(files))
    record = await make(cloud, LayerVersion(cloud), name, {"Content": {"S3Bucket": BUCKET, "S3Key": f"{name}.zip"}})
    return record.identifier


async def drop(cloud: Cloud, arn: str) -> None:
    """As the engine deletes a version."""
    record = cloud.world.get("AWS::Lambda::LayerVersion", arn)
    assert record is not None
    await LayerVersion(cloud).delete(
        request(record.type_name, record.logical_id, record.properties, identifier=arn, attributes=record.attributes)
    )
    cloud.world.remove(record.type_name, arn)


def kept(cloud: Cloud) -> int:
    return len(list((cloud.state / "layers").glob("*.zip")))


async def said(cloud: Cloud) -> Any:
    answer = await call(cloud)
    assert answer.error is None, answer.payload
    return json.loads(answer.payload)


@run
async def test_python_finds_packages_of_layers_and_the_functions_own_files_first(tmp_path: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    async with functions_cloud(tmp_path) as cloud:
        plain = await layer(cloud, "plain", {"python/said.py": "WORD = 'plain'"})
        deep = await layer(cloud, "deep", {f"python/lib/{version}/site-packages/said.py": "WORD = 'deep'"})
        await python(cloud, TELLS, Layers=[plain])
        assert await said(cloud) == "plain"
        await python(cloud, TELLS, Layers=[plain, deep], token="2")
        assert await said(cloud) == "deep", "AWS looks into site-packages first"
        own = {"app.py": TELLS, "said.py": "WORD = 'own'"}
        await make_function(cloud, "work", own, handler="app.handler", Layers=[plain, deep], token="3")
        assert await said(cloud) == "own"


@run
async def test_a_later_layer_lies_over_an_earlier_one(tmp_path: Path) -> None:
    async with functions_cloud(tmp_path) as cloud:
        one = await layer(cloud, "one", {"python/said.py": "WORD = 'one'", "python/more.py": "MORE = 'more'"})
        two = await layer(cloud, "two", {"python/said.py": "WORD = 'two'"})
        source = "import said, more\n\ndef handler(event, context):\n    return said.WORD + more.MORE\n"
        await python(cloud, source, Layers=[one, two])
        assert await said(cloud) == "twomore"


@run
async def test_node_finds_packages_of_layers_by_require(tmp_path: Path) -> None:
    async with functions_cloud(tmp_path) as cloud:
        arn = await layer(cloud, "words", {"nodejs/node_modules/said/index.js": "exports.word = 'one';\n"})
        await node(cloud, "exports.handler = async () => require('said').word;\n", Layers=[arn])
        assert await said(cloud) == "one"


@run
async def test_code_and_layers_together_have_lambdas_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with functions_cloud(tmp_path) as cloud:
        arn = await layer(cloud, "data", {"python/data.bin": bytes(800)})
        monkeypatch.setattr(layers, "UNZIPPED_LIMIT", 1000)
        await python(cloud, "def handler(e, c): return 1\n", Layers=[arn])
        with pytest.raises(HandlerError, match="exceeds the maximum allowed size of 1000 bytes") as failed:
            await python(cloud, f"# {'x' * 300}\ndef handler(e, c): return 1\n", Layers=[arn], token="2")
        assert failed.value.code == "InvalidParameterValueException"
        with pytest.raises(HandlerError, match="Unzipped size must be smaller than 1000 bytes"):
            await layer(cloud, "large", {"python/data.bin": bytes(1001)})


@run
async def test_what_lambda_takes_for_no_layers_is_refused(tmp_path: Path) -> None:
    async with functions_cloud(tmp_path) as cloud:
        arn = await layer(cloud, "one", {"python/said.py": "WORD = 'one'"})
        with pytest.raises(HandlerError, match="Layers must be less than or equal to 5"):
            await python(cloud, TELLS, Layers=[arn] * 6)
        with pytest.raises(HandlerError, match=r"Layer version arn:.*:layer:other:1 does not exist"):
            await python(cloud, TELLS, Layers=[arn.rpartition(":layer:")[0] + ":layer:other:1"])
        with pytest.raises(HandlerError, match="non-empty zip"):
            await layer(cloud, "empty", {})
        cloud.objects.put(BUCKET, "text.zip", b"no zip")
        with pytest.raises(HandlerError, match="Could not unzip"):
            await make(cloud, LayerVersion(cloud), "t", {"Content": {"S3Bucket": BUCKET, "S3Key": "text.zip"}})
        with pytest.raises(HandlerError, match="NoSuchKey"):
            await make(cloud, LayerVersion(cloud), "n", {"Content": {"S3Bucket": BUCKET, "S3Key": "gone.zip"}})


@run
async def test_a_deleted_version_stays_for_the_functions_that_have_it_and_is_not_left_behind(tmp_path: Path) -> None:
    async with functions_cloud(tmp_path) as cloud:
        one = await layer(cloud, "one", {"python/said.py": "WORD = 'one'"})
        record = await python(cloud, TELLS, Layers=[one])
        await drop(cloud, one)
        assert await said(cloud) == "one"
        with pytest.raises(HandlerError, match="does not exist"):
            await make(cloud, LambdaFunction(cloud), "other", {**record.properties, "FunctionName": "other"})
        assert kept(cloud) == 1
    async with functions_cloud(tmp_path) as cloud:
        await LambdaFunction(cloud).resume(record)
        assert await said(cloud) == "one", "after a restart, too"
        two = await layer(cloud, "two", {"python/said.py": "WORD = 'two'"})
        changed = {**record.properties, "Layers": [two]}
        asked = request(
            record.type_name, record.logical_id, changed, identifier=record.identifier, attributes=record.attributes,
            previous=record.properties,
        )  # fmt: skip
        await LambdaFunction(cloud).update(asked)
        cloud.world.put(Record(**{**_fields(record), "properties": changed}))
        assert await said(cloud) == "two"
        await drop(cloud, two)
        assert kept(cloud) == 1, "the first one is gone, the second is in use"


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_a_function_tells_of_its_layers_as_aws_does() -> None:
    shape = Session().get_service_model("lambda").shape_for("FunctionConfiguration")
    assert {"Arn", "CodeSize"} <= shape.members["Layers"].member.members.keys()
