"""Pages of what can be wrong with `existing=`."""

from __future__ import annotations

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "bad-existing",
        "`existing=` is no ARN or name of this kind of resource, lacks a fact, or the kind can't be adopted.",
        "What others need of it follows from the id, is looked up when it is deployed, or has to be said.",
        'Give the ARN or name in the help line; more is said as `existing=Existing("orders", admin_secret="arn:…")`.',
        'import klotho\nfrom klotho import Databases\n\nklotho.Application("shop")\n'
        'Databases.KeyValue("carts", existing="arn:aws:sqs:eu-central-1:123456789012:carts")\n',
    ),
    Page(
        "existing-changed",
        "A line asks for something that would change what `existing=` adopts, or needs more of it than its id tells.",
        "What is there already belongs to somebody else: it is referred to, and never changed.",
        "Leave out the line, or leave out `existing=` and let Klotho make it.",
        'import klotho\nfrom klotho import Compute, Messaging\n\nklotho.Application("shop")\n'
        'old = Compute.Function("old", handler="f.handler", existing="old")\n'
        'old.sends_to(Messaging.Queue("jobs"))\n',
    ),
    Page(
        "existing-elsewhere",
        "What `existing=` adopts lives in a network, and the application in another one that Klotho would make.",
        "A rule that lets somebody in names a security group of the same network, and no path leads between the two.",
        'Say which network it is: `Network(existing="vpc-…", subnets=["subnet-…", "subnet-…"])`. If it is reached over '
        'the internet, say `existing=Existing("…", ingress=False)`: then no rule is made.',
        'import klotho\nfrom klotho import Databases\n\nklotho.Application("shop")\n'
        'Databases.Postgres("orders", existing="orders-prod")\n',
    ),
    Page(
        "existing-not-narrowed",
        "A service only reads a cache that is there already, and gets a login that may do more.",
        "Users of a cache are listed in its user group, so that one more would change it: it is used with logins that "
        "are told.",
        'Give one that may only read: `Existing("…", secret="arn:…", read_secret="arn:…")`.',
    ),
    Page(
        "existing-missing",
        "What `existing=` adopts is not there.",
        "It was looked for in the account and region that are deployed to (or those of its ARN), and nothing was "
        "deployed.",
        "Check the id, and which account and region are in use. What is in another account can't be looked up: say the "
        "facts that are needed, as the help line does.",
    ),
    Page(
        "existing-untold",
        "What `existing=` adopts lacks something that is needed of it, such as a managed secret of its admin.",
        "It is not made, because that would change what is there. Nothing was deployed.",
        "Say what to use instead, as the help line does.",
    ),
)
