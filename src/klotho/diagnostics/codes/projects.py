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
        "dangling-reference",
        "The program refers to a construct by `from_project=True`, and no application of the project has published "
        "one of this kind and name in this environment.",
        "What the construct is, and where, is what its owner published when it was deployed.",
        "Correct the name, or run `klotho up` first where the construct is defined, then here. The message names the "
        "repository if another environment has it, and the nearest name.",
    ),
    Page(
        "wrong-kind",
        "The program refers to a construct by `from_project=True`, and the only one of that name is of another kind.",
        "A reference says the kind and the name, and both must be those of the definition.",
        "Refer to it as the kind it is.",
    ),
    Page(
        "route-conflict",
        "Two applications attach services to one API, and both would serve the same requests.",
        "Routes of one length that can be about the same request (`/users/{id}` and `/users/invoices`, all methods "
        "and `GET`) would take requests from each other, and neither repository sees it. Which of two routes wins "
        "that only cross (`/{kind}/new/x` and `/users/{id}`) is not documented. A longer route below another one is"
        " fine: it wins.",
        "Give one of them a route of its own, or tell them apart by `methods=`.",
    ),
    Page(
        "guard-conflict",
        "Two applications say different things about who may call the same requests of an API: two rules by "
        "`authenticates_with`, or a rule and `public=True` of exactly the guarded route.",
        "Only one of them can be what is meant.",
        "Leave one of them out, or tell them apart by `route=` or `methods=`.",
    ),
    Page(
        "guard-of-others",
        "An application says `authenticates_with` of an API that another one owns, for routes it does not serve.",
        "Each repository makes its own routes with the owner's rules and its own. A rule of a third one would not be "
        "there, and the routes would stay open.",
        "Give the rule a `route=` that only this application serves, or say it where the API is defined.",
    ),
    Page(
        "project-circle",
        "Stacks of two or more applications would each take values of the other.",
        "CloudFormation could create neither first. Within one application such stacks are merged into one; across "
        "repositories they can't be.",
        "Let one of them not know the other (a queue or a topic between them), or describe both in one application.",
    ),
    Page(
        "in-use-elsewhere",
        "A construct that another application of the project uses would go: it is removed, renamed or of another "
        "kind, or its application is taken down.",
        "The other application is deployed, and would look for something that is not there.",
        "Keep it, or remove the reference there first and run `klotho up` there. To break that application all the "
        "same, type its name when asked, or add `--allow-breaking NAME`: this is kept on record.",
    ),
    Page(
        "changed-in-use",
        "A construct that another application of the project uses would be another thing: it is replaced (key, FIFO, "
        "public or private), adopted, or its engine gets another major or a lower version.",
        "What the other application holds (an ARN, an address, a login, the key it queries by) would lead nowhere.",
        "Undo the change, or make a second construct that the other application can move to. To break it all the same, "
        "type its name when asked, or add `--allow-breaking NAME`.",
    ),
    Page(
        "port-in-use",
        "A container that another application of the project calls would not speak a protocol any more, or on "
        "another port.",
        "Callers hold the port: in their security groups and in what they were told at their deployment.",
        "Keep the port. To break the caller all the same, type its name when asked, or add `--allow-breaking NAME`.",
    ),
    Page(
        "route-in-use",
        "A route goes of an API that another application of the project calls, exposes, or has the address of.",
        "Which routes it calls is not known: an API is called as a whole.",
        "Keep the route, or attach another service to it. To break the caller all the same, type its name when "
        "asked, or add `--allow-breaking NAME`.",
    ),
    Page(
        "guard-in-use",
        "Other rules of an API would change who may call routes that another application attaches to it.",
        "Those routes are in the other application's stacks and keep the rules they were deployed with: a new guard is "
        "not there before that application is deployed again.",
        "Give the rule a `route=` of this application's own. Else type the other application's name when asked, or add "
        "`--allow-breaking NAME`, and run `klotho up` there at once.",
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
