"""Codes of pictures: `klotho graph`. None has an example program: they are about files and the machine."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "picture-name",
        "The file of `--out` has an ending that is no picture's, or not that of `--format`; or it is a JSON file that "
        "holds something else.",
        "The ending says the format, and a name such as `infra.py` is somebody's file that a picture must not replace. "
        "A PNG always needs a file.",
        "Let the name end in .svg, .png, .mmd (Mermaid) or .json.",
    ),
    Page(
        "png-not-installed",
        "PNG was asked for, and the library that makes it is not installed.",
        "It is an extra: SVG, Mermaid and JSON need nothing beside Klotho.",
        "Run `pip install 'klotho[png]'`, or take `--format svg`.",
    ),
    Page(
        "png-without-fonts",
        "PNG was asked for on a machine without fonts.",
        "A PNG holds no text but its drawing, and without a font every name would be missing; an SVG leaves that to "
        "whoever looks at it.",
        "Install a font, such as Debian's package `fonts-dejavu-core`, or take `--format svg`.",
    ),
)
