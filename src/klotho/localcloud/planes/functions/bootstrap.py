"""Starts AWS's Python runtime interface client in a worker of the local cloud.

Run as a file by `python -S` with two arguments: the handler (`module.function`) and the folder of packages that AWS's
runtime brings. Nothing of Klotho is imported: this is the function's process.
"""

import os
import sys


def main() -> None:
    handler, packages = sys.argv[1:3]
    # sys.path[0] is this file's folder, which is no business of the function's.
    sys.path[0:1] = [os.environ["LAMBDA_TASK_ROOT"]]
    sys.path.append(packages)
    sys.argv = [sys.argv[0], handler]
    from awslambdaric.__main__ import main as serve

    serve([sys.argv[0], handler])


if __name__ == "__main__":
    main()
