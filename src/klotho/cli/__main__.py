"""The program: `klotho`, and `python -m klotho.cli`.

Importing it makes Ctrl-C end the process cleanly from here on. Before this line there is only Python's own start, about
12 of the first 15 ms, in which nothing of ours runs yet; `klotho.cli.main` takes over once what it needs is loaded.
Nothing else imports this module.
"""

import _signal  # type: ignore[import-not-found]  # part of the interpreter: no file is looked for before this
import os

CANCELLED = 8
"""ExitCode.CANCELLED, which is not loaded yet."""


def _cancelled(_number: int, _frame: object) -> None:
    os.write(2, b"\ncancelled\n")
    os._exit(CANCELLED)


if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # not where the shell has it ignored
    _signal.signal(_signal.SIGINT, _cancelled)

from klotho.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
