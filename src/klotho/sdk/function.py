"""`Compute.Function`: code that runs when it is called, and costs nothing while it is not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from klotho.sdk import readers as read
from klotho.sdk.actor import Actor, Architecture
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

_HANDLER = re.compile(r"(?P<module>[^.\s][^\s]*?)\.(?P<function>[A-Za-z_$][\w$]*)")
_SOURCE_ENDINGS = ("py", "js", "mjs", "cjs", "ts", "mts", "go")


def _read_handler(value: Any) -> str:
    """`functions/invoice.handler`, without `./` in front."""
    expected = 'a file without its ending and a function, such as `"functions/invoice.handler"`'
    plain = read.some_text(value)
    if "\\" in plain or plain.startswith("/"):
        raise read.wrong(expected, plain, "write the path relative to this program, with `/` between its parts")
    match = _HANDLER.fullmatch(plain.removeprefix("./"))
    if match is None or match["module"].endswith("/"):
        guess = f'write `"{plain}.handler"`' if plain.isprintable() and "." not in plain else None
        raise read.wrong(expected, plain, guess)
    if match["function"] in _SOURCE_ENDINGS:
        name = "main" if match["function"] == "go" else "handler"
        raise read.wrong(expected, plain, f'name the function in the file: `"{match["module"]}.{name}"`')
    return match[0]


def _read_files(value: Any) -> list[str]:
    """Paths of files, of which a folder is none."""
    given = value if isinstance(value, list | tuple) else read.texts(value)
    return [read.inside(read.path, item, f"[{index}]") for index, item in enumerate(given)]


class Function(Actor):
    """Code that runs on demand; its package holds the handler's file, what it imports, and its dependencies."""

    KIND = "Compute.Function"

    arn = OutputAttribute()
    """Its ARN, as `lambda:InvokeFunction` takes it."""

    @described(
        handler=_read_handler,
        runtime=read.some_text,
        memory=read.whole(1, unit="MB"),
        timeout=read.whole(1, unit="seconds"),
        environment=read.environment,
        context=read.path,
        include=_read_files,
        architecture=read.choice("arm64", "x86_64"),
    )
    def __init__(
        self,
        name: str,
        handler: str | None = None,
        *,
        runtime: str | None = None,
        memory: int | None = None,
        timeout: int | None = None,
        environment: Mapping[str, str | int | float | bool] | None = None,
        context: str | os.PathLike[str] | None = None,
        include: Sequence[str | os.PathLike[str]] | None = None,
        architecture: Architecture | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a function.

        Args:
            name: how services ask for it: `klotho.config.services.get("invoice")`.
            handler: file without its ending, a dot, and the function in it: `"functions/invoice.handler"`;
                relative to `context`. Of a program in Go: its `main`, `"functions/thumb/main.main"`.
            runtime: for example `"python3.12"`, `"nodejs20.x"`, or `"provided.al2023"` for Go. Default: from the
                handler's file.
            memory: MB; CPU grows with it. Default: 512.
            timeout: seconds until it is stopped. Default: 30.
            environment: variables; values may hold outputs such as `orders.url`, but no secrets.
            context: the root of the package, relative to this program. Default: this program's folder.
            include: further files of the package, relative to `context`, such as templates that the code reads:
                `["views/card.html"]`. Default: none but what the handler imports.
            architecture: `"arm64"` or `"x86_64"`. Default: what the package was made for, x86_64 when it holds such
                code (NumPy's wheel), else arm64, which costs a fifth less.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: an ARN to use as it is, never to change; or by environment: `{"prod": "…"}`.
        """

    def _check(self, arguments: Arguments) -> None:
        if arguments.lacks("handler"):
            arguments.missing("handler", 'for example `handler="functions/invoice.handler"`')
