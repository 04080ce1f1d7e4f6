"""The command line: `klotho`. The only code that prints.

Input: arguments. Output: data on stdout, progress and diagnostics on stderr, an exit code of
`klotho.diagnostics.ExitCode`. Refuses wrong usage with exit 2; never shows a traceback.
"""

from __future__ import annotations


def main() -> None:
    """The console script."""
    import sys

    from klotho.cli.run import run

    sys.exit(run(sys.argv[1:]))
