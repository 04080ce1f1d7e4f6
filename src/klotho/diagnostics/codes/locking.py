"""Codes of leases, revisions, rollback and drift. None has an example program: each needs a deployment."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "locked",
        "Another run changes this application in this environment right now; the message names who, where and since "
        "when.",
        "Two deployments at once would undo each other's work.",
        "Run the command again when the other has ended. A run that died is taken over by the next command as soon as "
        "its lease is over; `klotho unlock` shows the lease, and removes it when nobody renews it.",
    ),
    Page(
        "lease-lost",
        "While this run was working, its lease was taken away: by `klotho unlock --force`, or because it could not "
        "renew it for the lease's time (a suspended machine, a network that was gone).",
        "Somebody else may be deploying now; going on would mix two deployments.",
        "Run the command again. What is done already is not done twice.",
    ),
    Page(
        "lease-alive",
        "`klotho unlock` was asked to remove a lease whose holder still renews it.",
        "Its run is working. Without its lease it stops before its next write, and leaves things half done.",
        "Wait for it, or end it where it runs. If it has to be: `klotho unlock --force`, at a terminal.",
    ),
    Page(
        "revision-unknown",
        "There is no such revision of the application in this environment.",
        "Revisions are numbered from 1; the last 50 are kept.",
        "`klotho history` lists them.",
    ),
    Page(
        "revision-unreadable",
        "A revision is there but can't be read: it is damaged, or a newer Klotho wrote it.",
        "Deploying what is only half understood would be worse than not deploying.",
        "Use another revision (`klotho history`), or the Klotho that wrote it.",
    ),
    Page(
        "rollback-impossible",
        "The revision can't be deployed again: something it consists of is gone, or was never finished.",
        "A rollback that leaves parts out would be neither the old nor the new application. Nothing was touched.",
        "Choose another revision (`klotho history`), or check out the source of that version and run `klotho up`.",
    ),
    Page(
        "rollback-no-earlier",
        "There is no earlier revision that was deployed as a whole.",
        "`klotho rollback` without a number goes to the last good revision before the current one.",
        "`klotho history` lists what there is; `klotho rollback REV` deploys a certain one.",
    ),
    Page(
        "drift-failed",
        "CloudFormation could not find out whether a stack has drifted.",
        "Saying that it has not would be a guess.",
        "Read the reason, and run `klotho drift` again.",
    ),
)
