"""The log files: what is written is read, in order, whatever happens."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klotho.localcloud import logs as module
from klotho.localcloud.logs import Logs

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(st.tuples(names, names, st.text(max_size=30)), max_size=15))
def test_events_of_any_text_come_back_in_order(tmp_path_factory: pytest.TempPathFactory, events: list) -> None:  # type: ignore[type-arg]
    state = tmp_path_factory.mktemp("logs")
    logs = Logs(state)
    for group, stream, message in events:
        logs.write(group, stream, message)
    for reader in (logs, Logs(state)):
        for group in {group for group, _, _ in events}:
            expected = [(s, m.encode("utf-8", "replace").decode("utf-8")) for g, s, m in events if g == group]
            assert [(e.stream, e.message) for e in reader.read(group)] == expected
    assert {path.parent for path in state.rglob("*.jsonl")} == {p for p in (state / "logs").glob("*")}
    logs.close()


def test_following_continues_after_the_last_event_seen(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    for number in range(5):
        logs.write("g", "s", f"line {number}", timestamp_ms=number)
    first = logs.read("g", limit=2)
    assert [event.message for event in first] == ["line 0", "line 1"]
    assert [event.message for event in logs.read("g", after=first[-1].id)] == ["line 2", "line 3", "line 4"]
    assert [event.message for event in logs.read("g", start_ms=3)] == ["line 3", "line 4"]
    assert logs.tail("g", 2) == ["line 3", "line 4"]
    assert logs.tail("g", 99) == [f"line {n}" for n in range(5)]
    assert logs.tail("nothing", 2) == []
    assert logs.read("g", after=logs.read("g")[-1].id) == []


def test_a_line_torn_by_a_kill_is_passed_over_and_the_next_is_whole(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.write("g", "s", "before")
    logs.close()
    (path,) = tmp_path.rglob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'[1700000000000,"s","half a li')
    again = Logs(tmp_path)
    assert [event.message for event in again.read("g")] == ["before"]
    again.write("g", "s", "after")
    assert [event.message for event in again.read("g")] == ["before", "after"]


def test_old_segments_go_and_ids_keep_growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 500)
    monkeypatch.setattr(module, "KEPT_SEGMENTS", 3)
    logs = Logs(tmp_path)
    for number in range(200):
        logs.write("g", "s", f"line {number}")
    events = logs.read("g")
    assert len(list(tmp_path.rglob("*.jsonl"))) == 3
    assert events[-1].message == "line 199"
    assert [e.id for e in events] == sorted({e.id for e in events})
    assert [e.message for e in Logs(tmp_path).read("g", after=events[3].id)] == [e.message for e in events[4:]]
    assert [e.message for e in logs.read("g", after=0)] == [e.message for e in events]
    assert logs.tail("g", 30) == [f"line {n}" for n in range(170, 200)]


def test_a_subprocess_is_captured_line_by_line(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    program = "import sys; sys.stdout.buffer.write(b'one\\r\\ntwo\\xff\\n' + b'x' * 300000 + b'\\nlast')"

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        await logs.capture(process.stdout, "g", "s")
        await process.wait()

    asyncio.run(run())
    messages = [event.message for event in logs.read("g")]
    assert messages[:2] == ["one", "two\ufffd"]
    assert "".join(messages[2:-1]) == "x" * 300000
    assert messages[-1] == "last"


def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    for group, stream in (("", "s"), ("g", ""), ("g" * 300, "s")):
        with pytest.raises(ValueError):
            logs.write(group, stream, "m")
    logs.write("..", "s", "m")
    assert (tmp_path / "logs" / "%2E%2E").is_dir()
