"""What progress says, as lines and as the rows behind the live tree."""

from __future__ import annotations

import pytest

from klotho.cli.commands.logs import seconds_of
from klotho.cli.progress.board import Board, Running
from klotho.cli.progress.lines import line_of
from klotho.deploy import events
from klotho.diagnostics import ExitCode, Failure

TABLE = "AWS::DynamoDB::Table"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (events.Step("starting the local cloud"), "starting the local cloud"),
        (events.AssetDone("Compute.Function/f", "zip", 0.25, "abc"), "Compute.Function/f: zip abc (0.2 s)"),
        (events.StackStarted("users", "recreate"), "users: deleting and creating"),
        (events.StackDone("users", "create", 1.5), "users: created (1.5 s)"),
        (events.StackSkipped("web", "users"), "web: skipped, because users failed"),
        (events.StackFailed("users", "create", events.Cause("no\nlog"), 2.0), "users: FAILED (2.0 s): no"),
        (events.ResourceChanged("users", "T", TABLE, "CREATE_COMPLETE"), f"users: {TABLE} T created"),
        (events.ResourceChanged("users", "T", TABLE, "CREATE_FAILED", "why"), f"users: {TABLE} T FAILED: why"),
        (events.ResourceChanged("users", "T", TABLE, "CREATE_IN_PROGRESS"), None),
        (
            events.Waiting("users", (events.WaitedFor("T", TABLE, "CREATE_IN_PROGRESS", 31.0),), 40.0),
            f"users: waiting for 40 s on {TABLE} T: CREATE_IN_PROGRESS for 31 s",
        ),
        (
            events.Draining(("users",)),
            "stopping: nothing new begins; waiting for CloudFormation to finish users (Ctrl-C again stops waiting)",
        ),
        (events.StackCancelled("web"), "web: not begun"),
        (
            events.ResourceLeft("users", "T", TABLE, "table-1", "in use"),
            f"users: {TABLE} T (table-1) LEFT BEHIND: in use",
        ),
    ],
)
def test_an_event_is_at_most_one_clear_line(event: events.Event, text: str | None) -> None:
    assert line_of(event) == text


def test_the_board_knows_what_waits_for_what() -> None:
    now = [0.0]
    board = Board(lambda: now[0])
    board.receive(events.DeploymentPlanned((("network", ()), ("users", ("network",)))))
    assert board.waiting_on(board.rows["users"]) == ["network"]
    board.receive(events.StackStarted("network", "create"))
    board.receive(events.ResourceChanged("network", "Vpc", "AWS::EC2::VPC", "CREATE_IN_PROGRESS"))
    now[0] = 3.0
    assert board.rows["network"].resources == {"Vpc": Running("AWS::EC2::VPC", "CREATE_IN_PROGRESS", 0.0)}
    board.receive(events.ResourceChanged("network", "Vpc", "AWS::EC2::VPC", "CREATE_COMPLETE"))
    board.receive(events.StackDone("network", "create", 2.0))
    assert (board.rows["network"].state, board.rows["network"].finished) == ("done", 1)
    assert board.waiting_on(board.rows["users"]) == []


def test_a_failure_is_shown_at_its_row() -> None:
    board = Board(lambda: 0.0)
    board.receive(events.AssetStarted("Compute.Container/web", "image"))
    board.receive(events.AssetFailed("Compute.Container/web", "line 3", 0.1))
    board.receive(events.StackFailed("web", "create", events.Cause("died\nlog"), 0.1))
    assert [(row.state, row.text) for row in board.rows.values()] == [("failed", "line 3"), ("failed", "died")]


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_time_spans_are_numbers_with_units(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1w", "-1h", "1.5h", "h"])
def test_other_time_spans_are_wrong_usage(text: str) -> None:
    with pytest.raises(Failure) as caught:
        seconds_of(text)
    assert caught.value.exit_code is ExitCode.USAGE
