"""The command line: `klotho`. The only code that prints.

Input: arguments. Output: data on stdout, progress and diagnostics on stderr, an exit code of
`klotho.diagnostics.ExitCode`. Refuses wrong usage with exit 2; never shows a traceback.
"""

from __future__ import annotations


def main() -> None:
    """The console script, by way of `klotho.cli.__main__`, which sees to Ctrl-C until this is loaded."""
    import gc
    import os
    import signal
    import sys

    # A build makes hundreds of thousands of objects that live to its end: looking for garbage among them after every
    # 700 is a quarter of its time, after every 20,000 still a tenth.
    gc.set_threshold(200_000, 10, 10)
    try:
        from klotho.cli.run import run

        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # A second Ctrl-C, or one where nothing of ours is sure to be loaded. The number is ExitCode.CANCELLED.
        os.write(2, b"\ncancelled\n")
        os._exit(8)
    sys.exit(code)
