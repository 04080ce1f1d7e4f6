"""Codes of stacks: what CloudFormation makes, waits for, and can't let go of. None has an example program: each needs a
cloud besides."""

from klotho.diagnostics.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "stack-stuck",
        "A stack is in a status CloudFormation does not lead out of by itself, or only by deleting what holds data.",
        "Klotho recovers stuck stacks without asking as long as nothing is lost; this one needs a decision of yours.",
        "Run the command shown, then `klotho up` again.",
    ),
    Page(
        "wait-timed-out",
        "Nothing happened in a stack for longer than any resource takes.",
        "A command that waits for ever helps nobody; what CloudFormation does goes on without it.",
        "Run the same command again: it goes on waiting. If the resource named never gets ready, find out why first.",
    ),
    Page(
        "left-behind",
        "A resource was taken out of its stack, and AWS refused to delete it.",
        "It is still there, may cost money, and no later deployment knows of it.",
        "Remove what the reason names, then delete the resource in the console of its service.",
    ),
)
