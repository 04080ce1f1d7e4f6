"""The command line: `klotho`. The only code that prints.

Input: arguments. Output: data on stdout, progress and diagnostics on stderr, an exit code of
`klotho.diagnostics.ExitCode`. Refuses wrong usage with exit 2; never shows a traceback.
"""

from __future__ import annotations


def main() -> None:
    """The console script."""
    import os
    import sys

    try:
        from klotho.cli.run import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Ctrl-C while modules are imported, or a second one: nothing of ours is sure to be loaded. The number is
        # ExitCode.CANCELLED.
        os.write(2, b"\ncancelled\n")
        os._exit(8)
    sys.exit(code)
