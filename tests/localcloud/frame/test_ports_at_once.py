"""Ports are handed out to threads at the same time: databases are prepared in threads of the supervisor."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from klotho.localcloud import ports as ports_module
from klotho.localcloud.database import Database
from klotho.localcloud.ports import Ports

pytestmark = pytest.mark.localcloud


def test_threads_that_ask_at_once_get_ports_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "is_free", lambda port: True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # as if the machine were busy
    database = Database(tmp_path / "state.sqlite3")
    ports = Ports(database, "shop", "local", tmp_path)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: ports.of(f"redis/{number}", beside=-10000), range(200)))
    sys.setswitchinterval(interval)
    assert len(set(found)) == 200
    assert [ports.of(f"redis/{number}") for number in range(200)] == found
    database.close()
