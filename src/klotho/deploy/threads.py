"""A thread pool that does not hold up a person who pressed Ctrl-C.

Input: a size and a name. Output: an executor. When the block ends by an exception its threads are not waited for:
they poll a cloud that goes on by itself, and the process is about to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def workers(number: int, name: str) -> Iterator[Executor]:
    pool = ThreadPoolExecutor(number, thread_name_prefix=name)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
