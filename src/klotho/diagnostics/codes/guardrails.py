"""Codes of guardrails. None has an example program: each needs a bundle beside it."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "guardrail-denied",
        "Something in the program, or in what is made of it, breaks a rule that the environment answers to.",
        "The rule's owner has decided it for everyone; the message has their reason and their name.",
        "Do what the message says. If you can't, ask the owner for an exception: they write it into the bundle, with a "
        "reason and a last day.",
    ),
    Page(
        "guardrail-warned",
        "Something is not as a rule of a bundle wants it; the rule only warns.",
        "Today's warning is often tomorrow's denial: the owner may raise it in a later version of the bundle.",
        "Do what the message says when you can.",
    ),
    Page(
        "guardrail-noted",
        "A rule of a bundle tells you about something, such as a technology that is on trial.",
        "It is good to know, and stops nothing.",
        "Nothing has to be done.",
    ),
    Page(
        "guardrail-excepted",
        "Something would break a rule, and the rule's owner has agreed to an exception that is still running.",
        "From the day after its last day on the rule holds again, and the same command fails.",
        "Mend it before that day, or ask the owner for more time.",
    ),
    Page(
        "guardrail-overridden",
        "An override says something else than a rule of a bundle sets.",
        "What a rule sets wins over the program and over klotho.yaml; an override that has no effect would mislead "
        "everybody who reads it.",
        "Leave the property out of the override, or ask the rule's owner for an exception.",
    ),
    Page(
        "guardrail-bundle-damaged",
        "A bundle holds something that the form of bundles does not have, or names what is not there.",
        "A rule with a slip in it finds nothing, and everybody believes that it is kept. So nothing is compiled.",
        "Correct the line. `klotho guardrails schema` prints the form for editors; `klotho guardrails test` runs the "
        "bundle's own tests.",
    ),
    Page(
        "guardrail-bundle-missing",
        "A bundle that klotho.yaml names can't be had: no such folder, repository, reference or entry of the store.",
        "An application is never judged by only some of its rules.",
        "Correct its entry under `guardrails:`; for git, check that you may read the repository.",
    ),
    Page(
        "guardrail-changed",
        "A bundle is not the one that klotho.lock pins: it was changed since, or the reference leads elsewhere.",
        "Rules change for an application when somebody takes the new ones, not in the middle of something else.",
        "`klotho upgrade --dry-run` shows what the new ones would change; `klotho upgrade` takes them.",
    ),
    Page(
        "guardrail-dropped",
        "The project's store has a bundle for this environment, and the application does not name it, or pins another "
        "version of it.",
        "What is published there is for every application of the project, whatever klotho.yaml leaves out.",
        "Add it under `guardrails:` in klotho.yaml, as `- store: NAME`, or run `klotho upgrade`.",
    ),
    Page(
        "guardrail-tests-missing",
        "`klotho guardrails test` was run on a bundle that has no tests.",
        "A rule nobody has seen fail may never do so.",
        "Add a program that breaks the rule, and `[[test]]` with its folder and the rule's id.",
    ),
    Page(
        "guardrail-unknown",
        "`klotho guardrails show` was given a rule that the bundle does not have.",
        "There is nothing to show.",
        "Correct the name; the message has the nearest one.",
    ),
)
