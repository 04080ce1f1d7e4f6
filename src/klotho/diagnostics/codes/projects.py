"""Codes of projects across repositories. None has an example program: each needs what another one has published."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "domain-claimed-twice",
        "Two applications of one project say `Domain` with the same name, in the same environment.",
        "A name leads to one place only, and whoever was deployed last would take it from the other.",
        "Give one of them another name. If the domain moves from one to the other, remove it there, run `klotho up` "
        "there, then here.",
    ),
    Page(
        "duplicate-definition",
        "Two applications of one project define a construct of the same kind and name, and somebody refers to it by "
        "`from_project=True`.",
        "Which of them is meant can't be told. Constructs that nobody shares may have the same name.",
        "Give one of them another name, or let one application use the other's by `from_project=True`.",
    ),
    Page(
        "registry-damaged",
        "What an application of the project has published can't be read: the file was changed by hand, was cut off, or "
        "belongs to another application.",
        "What that application defines is not known, so nobody can tell whether this one fits to it. It is never "
        "overwritten: it may be all that is left of the truth.",
        "Bring an earlier version of the file back, or remove it and run `klotho up` where that application is: this "
        "publishes it again. The message has the file's place.",
    ),
    Page(
        "registry-newer",
        "What an application of the project has published was written by a newer Klotho.",
        "This one does not know all that it says, and would lose it by writing.",
        "Install the newer Klotho.",
    ),
    Page(
        "registry-busy",
        "Publishing was tried many times, and others changed the same entry each time.",
        "What is there is never overwritten unseen.",
        "Run `klotho up` again. If it goes on: something publishes this application in a loop.",
    ),
    Page(
        "project-stack-differs",
        "Two applications of one project want different things of what they share, such as the network's range.",
        "The repositories of a project share one network, cluster and namespace in an environment, so both can't have "
        "their way.",
        "Say the same `Network(…)` in both, or leave it out in both; or give one of them a project of its own. The "
        "message names both applications, both values and, where a program speaks of the network, its line.",
    ),
    Page(
        "release-circle",
        "Several programs were to be brought up together, and each of them uses something that another one defines.",
        "Whoever defines something has to be there before whoever uses it: nobody can be first.",
        "Move what both use into one of them, or into a program of its own. If they are to use each other in the end: "
        "bring one up without the line that uses the other, then the other, then the first one again.",
    ),
    Page(
        "application-twice",
        "Two of the programs that were to be brought up together have the same name in the same project.",
        "They would take each other's place: an application is its project and its name.",
        "Give one of them another name in `klotho.Application(…)`.",
    ),
    Page(
        "project-unknown",
        "Nothing of this project was published in this environment.",
        "`klotho up` publishes an application when its deployment has worked.",
        "Run `klotho project ls` to see what there is, or `klotho up`.",
    ),
)
