"""Which files were saved: watches folders in a thread of its own, so that nothing saved meanwhile is missed.

Input: folders. Output: batches of saved files. What is no source (`.git`, environments, caches, `compiled/`) is left
out. Failure (`watch-refused`) when the system does not watch so many folders.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from klotho.diagnostics import Failure

_LEFT_OUT = frozenset(
    {
        ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache",
        ".ruff_cache", ".idea", ".vscode", ".hypothesis", "compiled",
    }
)  # fmt: skip
_DEBRIS = ("~", ".swp", ".swx", ".tmp", ".pyc", ".DS_Store", "4913")
"""Endings of what editors leave beside a file they save (Vim tries whether it may write with one named 4913)."""
_QUIET_MS, _AT_MOST_MS = 15, 100
"""A batch ends when nothing more is saved for so long, and after so long in any case."""


@dataclass(frozen=True, slots=True)
class Saved:
    path: Path
    is_new: bool
    """There was no such file, or it was put in the place of one (editors do that)."""


class Watch:
    """Use as a context manager."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = frozenset(_outermost(folders))
        self._batches: queue.Queue[frozenset[Saved] | Failure] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="klotho-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def next(self, timeout_s: float) -> frozenset[Saved]:
        """The next batch, with all that came since; empty when there is none in time."""
        found: frozenset[Saved] = frozenset()
        with contextlib.suppress(queue.Empty):
            found = self._checked(self._batches.get(timeout=timeout_s))
            while True:
                found |= self._checked(self._batches.get_nowait())
        return found

    def _checked(self, item: frozenset[Saved] | Failure) -> frozenset[Saved]:
        if isinstance(item, Failure):
            raise item
        return item

    def _run(self) -> None:
        from watchfiles import Change, watch

        try:
            for changes in watch(
                *self.folders,
                watch_filter=lambda _change, path: is_source(Path(path), self.folders),
                debounce=_AT_MOST_MS,
                step=_QUIET_MS,
                stop_event=self._stop,
                rust_timeout=200,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                self._batches.put(frozenset(Saved(Path(path), kind == Change.added) for kind, path in changes))
        except (OSError, RuntimeError) as error:
            self._batches.put(
                Failure(
                    "watch-refused",
                    f"the files can't be watched: {error}",
                    helps=("raise fs.inotify.max_user_watches, or keep large folders out of the program's folder",),
                )
            )


def is_source(path: Path, folders: Collection[Path]) -> bool:
    """Whether a file may be part of an application."""
    if path.name.endswith(_DEBRIS) or path.name.startswith(".#"):
        return False
    for folder in folders:
        if path.is_relative_to(folder):
            return not _LEFT_OUT.intersection(path.relative_to(folder).parts)
    return False


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Without those inside another one."""
    known = {folder.resolve() for folder in folders if folder.is_dir()}
    return [folder for folder in known if not any(other in known for other in folder.parents)]
