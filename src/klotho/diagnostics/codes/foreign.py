"""Codes of constructs that another application of the project makes (`from_project=True`)."""

from klotho.diagnostics.codes.page import Page

_ALONE = 'import klotho\nfrom klotho import Databases\n\nklotho.Application("shop")\n'

PAGES = (
    Page(
        "not-in-project",
        "`from_project=True` names a construct that no other application of the project has published, or there is no "
        "project, or the kind belongs to no application.",
        "Where it is and how it is made is known from what its owner publishes when it is deployed.",
        "Run `klotho up` where it is defined, in the same project and environment, then here. A program without "
        "`project=` is in no project: give both the same.",
        _ALONE + 'Databases.KeyValue("carts", from_project=True)\n',
    ),
    Page(
        "said-by-owner",
        "The program says something of a construct that another application of the project makes: a parameter, an "
        "override, or what it does.",
        "One application decides what a construct is and does; what others do with it is theirs to say.",
        "Say it in the application that makes the construct. The message names it.",
        'import klotho\nfrom klotho import Databases\n\nklotho.Application("shop", project="acme")\n'
        'Databases.KeyValue("carts", from_project=True).use("dynamodb")\n',
    ),
    Page(
        "project-not-asked",
        "A construct of another application is needed, and the command asks no account what the project has.",
        "`build`, `check` and `graph` work offline: they know what the last command saw that did ask.",
        "Run `klotho preview` or `klotho check --project` for the environment, then the command again.",
    ),
    Page(
        "not-shared",
        "A value of another application's construct is needed that its owner has not published.",
        "The owner was deployed by an older Klotho, or before the construct was what it is now.",
        "Run `klotho up` where the construct is defined, then here.",
    ),
    Page(
        "owner-not-up",
        "A stack of another application of the project, or an output of it, is not there, though it was published.",
        "Values of constructs that others make are read from their stacks when yours are deployed.",
        "Run `klotho up` where the construct is defined, then here.",
    ),
)
