"""`Site`: static files, or what a build command makes, behind a CDN."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from klotho.sdk import readers as read
from klotho.sdk.arguments import Arguments
from klotho.sdk.construct import Adopted, Construct, described
from klotho.sdk.output import OutputAttribute
from klotho.sdk.stack import Stack

_SHELL = ("&&", "||", "|", ";", "&", ">", ">>", "<", "<<")
"""Words only a shell understands."""


def _read_build(value: Any) -> list[str]:
    """The command as a list of words; never handed to a shell."""
    if not isinstance(value, str):
        words = read.texts(value)
    else:
        plain = read.some_text(value)
        try:
            words = shlex.split(plain)
        except ValueError as error:
            raise read.wrong(f"a command such as `npm run build` ({error})", value) from None
    if not words or not words[0].strip():
        raise read.wrong("a command such as `npm run build`", value)
    odd = next((word for word in words if isinstance(value, str) and (word in _SHELL or word.startswith("$"))), None)
    if odd is not None:
        help_text = (
            'no shell runs it: put it into a script, for example of package.json, and name that: "npm run build"'
        )
        raise read.wrong(f"one command, and `{read.printable(odd)}` is a shell's", value, help_text)
    return words


class Site(Construct):
    """A static site: private files that only its CDN may read, served over HTTPS with security headers."""

    KIND = "Site"

    url = OutputAttribute()
    """Where it is reached: `https://…` on AWS, without a trailing slash."""
    distribution_id = OutputAttribute()
    """The CDN distribution's id."""
    bucket = OutputAttribute()
    """The name of the bucket that holds the files."""

    @described(
        directory=read.path,
        build=_read_build,
        root=read.path,
        index=read.matching(r"[A-Za-z0-9][\w.-]*", "the name of a file such as `index.html`"),
        error=read.path,
        spa=read.truth,
        environment=read.environment,
        csp=read.some_text,
    )
    def __init__(
        self,
        name: str,
        directory: str | os.PathLike[str] | None = None,
        *,
        build: str | Sequence[str] | None = None,
        root: str | os.PathLike[str] | None = None,
        index: str | None = None,
        error: str | None = None,
        spa: bool | None = None,
        environment: Mapping[str, str | int | float | bool] | None = None,
        csp: str | None = None,
        stack: str | Stack | None = None,
        from_project: bool = False,
        existing: Adopted = None,
    ) -> None:
        """Describe a static site.

        Args:
            name: letters, digits, `_`, `-`, `.`, starting with a letter.
            directory: the folder whose files are served, relative to this program; with `build` the folder the
                command writes. Files and folders that begin with a dot are left out, except `.well-known`.
                Default: `"web"`.
            build: a command that makes the files, run before they are taken: `"npm run build"`, or a list of words.
                No shell runs it. It runs again when a file below `root` changed. Default: none.
            root: the folder `build` runs in, relative to this program. Default: the folder that holds `directory`.
            index: the page of a folder, in `directory`. Default: `"index.html"`.
            error: the page for what does not exist, in `directory`, answered with status 404: `"404.html"`.
                Default: none, a plain 404.
            spa: True serves `index` for every path whose last part has no dot, so that a single-page application's
                links work. Default: False.
            environment: values the pages need, such as `{"API_URL": api.url}`: served as `/klotho-config.js`, which
                sets `globalThis.klotho`. No secrets: anyone can read them. Default: none.
            csp: the Content-Security-Policy header.
                Default: `"base-uri 'self'; frame-ancestors 'none'; object-src 'none'"`.
            stack: the deployment stack to put it into. Default: Klotho's segmentation.
            from_project: another repository of the project defines it; give only the name. Default: False.
            existing: the id of a distribution: only its address is used, what is served is published elsewhere.
        """

    def _check(self, arguments: Arguments) -> None:
        if arguments.values.get("spa") and "error" in arguments.values:
            arguments.complain(
                "conflicting-arguments",
                f"`error` of {arguments.title} can't be given together with `spa=True`",
                "error",
                notes=("a single-page application shows its own page for a path it does not know",),
                helps=("leave one of the two out",),
            )
        if "root" in arguments.values and arguments.lacks("build"):
            arguments.complain(
                "conflicting-arguments",
                f"`root` of {arguments.title} has no effect without `build`",
                "root",
                helps=("it is the folder the build command runs in: give `build=` too, or leave it out",),
            )
