"""Codes for mistakes in the user's program."""

from klotho.diagnostics.codes.page import Page

PAGES: tuple[Page, ...] = ()
