"""Starts AWS's Python runtime interface client in a worker of the local cloud.

Run as a file by `python -S`: the handler (`module.function`), the folder of packages that AWS's runtime brings, and the
folder of what layers hold (AWS's `/opt`), or nothing. Nothing of Klotho is imported: this is the function's process.
"""

import os
import sys


def main() -> None:
    handler, packages, opt = sys.argv[1:4]
    # sys.path[0] is this file's folder, which is no business of the function's.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    layers = [f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"] if opt else []
    sys.path[0:1] = [os.environ["LAMBDA_TASK_ROOT"], *layers]
    sys.path.append(packages)
    sys.argv = [sys.argv[0], handler]
    from awslambdaric.__main__ import main as serve

    serve([sys.argv[0], handler])


if __name__ == "__main__":
    main()
