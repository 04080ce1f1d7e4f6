"""Codes of accounts on AWS. None has an example program: each needs an account."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "wrong-account",
        "The AWS credentials at hand belong to another account than the environment names.",
        "A deployment to the wrong account is found late and cleaned up by hand.",
        "Use the other account's credentials (`AWS_PROFILE=…`, or `profile:` of the environment), or correct "
        "`account:` in klotho.yaml if the environment has moved.",
    ),
    Page(
        "bootstrap-refused",
        "The account has no bootstrap stack in this region, and you did not want it made.",
        "Templates, code and images need a private place in the account before anything can use them.",
        "Run `klotho up` again and agree, or have somebody who may run it once.",
    ),
    Page(
        "bootstrap-newer",
        "The account's bootstrap stack was made by a newer Klotho than this one.",
        "This one does not know what it may rely on there.",
        "Install the newer Klotho.",
    ),
    Page(
        "bootstrap-failed",
        "CloudFormation could not make the bootstrap stack.",
        "Nothing can be deployed to that account and region without it.",
        "Remove the reason the message names, mostly a missing permission or a bucket of the same name, and run "
        "`klotho up` again.",
    ),
    Page(
        "not-agreed",
        "You were shown what would be deployed, and said no.",
        "Nothing was changed.",
        "Change the program, or run `klotho up` again and agree; `--yes` asks nothing.",
    ),
    Page(
        "owner-unknown",
        "The environment is one per user or branch, and nothing tells whose is meant.",
        "Deploying to a guessed name would mix up the work of two people.",
        "Check out a branch, set KLOTHO_USER, or name the environment whole: `--env dev-ada`.",
    ),
    Page(
        "settings-construct",
        "`klotho.yaml` speaks of a construct that the program does not have, or has several of.",
        "What it says would have no effect.",
        "Correct the name; where two constructs share it, write `Kind/name`.",
    ),
    Page(
        "environment-local",
        "A command about accounts on AWS was given an environment on this machine.",
        "There is nothing to do for it here.",
        "Name an environment with `target: aws`.",
    ),
    Page(
        "account-missing",
        "The environment does not say in which AWS account it is.",
        "The role that a CI service takes on is named by its account.",
        "Add `account:` to the environment in klotho.yaml.",
    ),
    Page(
        "no-repository",
        "The program is in no git repository.",
        "A workflow belongs to a repository.",
        "Run `git init`, or run the command inside of the repository.",
    ),
    Page(
        "environment-lasting",
        "`klotho env rm` was asked to remove an environment that is not short-lived.",
        "Removing data that was meant to stay takes more than one word.",
        "Use `klotho down --delete-data APPLICATION`, or say `ttl:` or `per:` of the environment in klotho.yaml.",
    ),
    Page(
        "too-many-policies",
        "Deploying this application takes more policies than IAM attaches to one role.",
        "A role with a part of them would fail half-way through a deployment.",
        "Write them with `klotho permissions --out DIR` and attach them to several roles, or have the quota raised.",
    ),
)
