"""Code that `klotho dev` puts in place: served when it starts, else what ran before; gone with the next deployment."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.testbed import call, functions_cloud, python
from klotho.localcloud.handler import HandlerError
from klotho.localcloud.handlers.lambda_function import LambdaFunction
from klotho.localcloud.planes.functions import package

pytestmark = pytest.mark.localcloud
FUNCTION = "AWS::Lambda::Function"


def saying(word: str) -> str:
    return f"import part\ndef handler(event, context): return part.WORD + {word!r}\n"


def test_code_is_swapped_taken_back_and_replaced_by_a_deployment(tmp_path: Path) -> None:
    changed, other = tmp_path / "app.py", tmp_path / "part.py"

    async def scenario() -> None:
        async with functions_cloud(tmp_path / "state") as cloud:
            record = await python(cloud, "def handler(event, context): return 'old'")
            assert (await call(cloud)).payload == b'"old"'
            changed.write_text(saying("one"))
            other.write_text("WORD = 'a-'\n")
            await cloud.functions.swap("work", {"app.py": changed, "part.py": other}, [], os.getpid())
            assert (await call(cloud)).payload == b'"a-one"'
            assert "not deployed yet" in str(cloud.functions.status()[0].detail)
            # The same size in the same second: nothing of what Python compiled before may be taken for it.
            other.write_text("WORD = 'b-'\n")
            await cloud.functions.swap("work", {"app.py": changed, "part.py": other}, [], os.getpid())
            assert (await call(cloud)).payload == b'"b-one"'
            # Bringing the application back, as every `up` does first, leaves it as long as its holder lives.
            await LambdaFunction(cloud).resume(record)
            assert (await call(cloud)).payload == b'"b-one"'
            await cloud.functions.put(record)
            assert (await call(cloud)).payload == b'"old"'
            assert "deployed" not in str(cloud.functions.status()[0].detail)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def (", "SyntaxError"),
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("1 / 0", 'app.py", line 1'),
        ("def other(event, context): return 1", "handler"),
    ],
)
def test_code_that_does_not_start_is_refused_and_the_old_goes_on(tmp_path: Path, source: str, said: str) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path / "state") as cloud:
            await python(cloud, "def handler(event, context): return 'old'")
            (tmp_path / "app.py").write_text(source)
            with pytest.raises(HandlerError) as refusal:
                await cloud.functions.swap("work", {"app.py": tmp_path / "app.py"}, [], os.getpid())
            assert said in refusal.value.reason
            assert (await call(cloud)).payload == b'"old"'
            assert cloud.swapped.note(FUNCTION, "work") is None
            folder = tmp_path / "state" / "functions"
            assert [path for path in folder.iterdir() if path.name.startswith("dev-")] == []

    asyncio.run(scenario())


def test_what_a_process_left_that_has_ended_is_brought_in_line(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path / "state") as cloud:
            record = await python(cloud, "def handler(event, context): return 'old'")
            (tmp_path / "app.py").write_text("def handler(event, context): return 'new'")
            nobody = 2**22 + 1  # beyond the largest process id of Linux
            await cloud.functions.swap("work", {"app.py": tmp_path / "app.py"}, [], nobody)
            assert (await call(cloud)).payload == b'"new"'
            assert "that has ended" in str(cloud.swapped.note(FUNCTION, "work"))
            await LambdaFunction(cloud).resume(record)
            assert (await call(cloud)).payload == b'"old"'

    asyncio.run(scenario())


def test_calls_under_way_finish_on_the_code_they_began_with(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with functions_cloud(tmp_path / "state") as cloud:
            slow = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    return 'old'"
            record = await python(cloud, slow)
            await cloud.functions.put(replace(record))
            first = asyncio.create_task(call(cloud))
            await asyncio.sleep(0.3)
            (tmp_path / "app.py").write_text("def handler(event, context): return 'new'")
            await cloud.functions.swap("work", {"app.py": tmp_path / "app.py"}, [], os.getpid())
            assert (await call(cloud)).payload == b'"new"'
            assert (await first).payload == b'"old"'

    asyncio.run(scenario())


def test_a_changed_package_shares_what_stays_the_same_and_leaves_out_what_is_removed(tmp_path: Path) -> None:
    base, folder = tmp_path / "base", tmp_path / "folder"
    (base / "library").mkdir(parents=True)
    folder.mkdir()
    (base / "library" / "big.py").write_text("BIG = 1\n")
    (base / "gone.py").write_text("")
    (tmp_path / "mine.py").write_text("X = 1\n")
    made = package.changed(base, {"deep/mine.py": tmp_path / "mine.py"}, ["gone.py"], folder)
    assert (made / "library" / "big.py").samefile(base / "library" / "big.py")
    assert (made / "deep" / "mine.py").read_text() == "X = 1\n"
    assert not (made / "gone.py").exists() and (base / "gone.py").exists()


@pytest.mark.parametrize("name", ["../out.py", "/etc/passwd"])
def test_no_file_leaves_the_package(tmp_path: Path, name: str) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(package.PackageError):
        package.changed(tmp_path / "base", {name: tmp_path / "file"}, [], tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("dev-")]


def test_code_that_is_cleared_away_while_a_deployment_takes_it_up_is_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last worker of the version before may end, and its folder go, just after a deployment found it there."""
    unpack, cleared = package.unpack, list[Path]()

    def cleared_once(*arguments: Any) -> Path:
        folder = unpack(*arguments)
        if not cleared:
            cleared.append(folder)
            shutil.rmtree(folder)
        return folder

    async def scenario() -> None:
        async with functions_cloud(tmp_path / "state") as cloud:
            monkeypatch.setattr(package, "unpack", cleared_once)
            await python(cloud, "def handler(event, context): return 'here'")
            assert (await call(cloud)).payload == b'"here"'

    asyncio.run(scenario())
    assert cleared
