"""What Ctrl-C means at which moment, and that nothing blocks in silence."""

from __future__ import annotations

import os
import signal
import time

import pytest

from klotho.cli.interrupts import draining
from klotho.localcloud.reminder import reminding


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)  # the handler runs before the next instruction


def test_ctrl_c_drains_only_while_something_is_under_way_and_only_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with draining() as drain, drain.working():
        interrupt()
        assert drain.requested
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    with draining() as drain, pytest.raises(KeyboardInterrupt):
        interrupt()
    assert not drain.requested
    assert signal.getsignal(signal.SIGINT) is before


def test_a_call_that_blocks_says_what_for() -> None:
    said: list[str] = []
    with reminding(said.append, "the moon", every_s=0.02):
        while not said:
            time.sleep(0.005)
    assert said[0] == "still waiting for the moon (0 s)"
