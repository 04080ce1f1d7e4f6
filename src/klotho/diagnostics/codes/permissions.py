"""Codes of the deployer's permissions. None has an example program: each needs a klotho.yaml or a cloud besides."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "account-not-said",
        "An environment on AWS does not say which account it is.",
        "The deployer's policy names the resources of one account.",
        "Write `account:` with the 12 digits of the account below the environment's name in `klotho.yaml`.",
    ),
    Page(
        "deployer-not-allowed",
        "The credentials that deploy are not allowed an action that a resource needs.",
        "CloudFormation makes, changes and deletes resources as whoever deploys. The message names the action and the "
        "resource.",
        "Attach the policies that `klotho permissions` prints to the deployer's role, then run `klotho up` again. They "
        "may need more than before after an upgrade of Klotho or a change of the program.",
    ),
)
