"""Codes of `klotho explain`. None has an example program: they are about what was asked."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "code-unknown",
        "`klotho explain` was asked for something that neither the program nor Klotho has.",
        "There is no page to show.",
        "Of the program: name a construct, a resource by its logical id, a property with dots (`OrdersService."
        "DesiredCount`), a type (`AWS::IAM::Role`), an output or a stack. Of a diagnostic: copy the code from between "
        "the brackets of `error[…]`. `klotho explain` lists all constructs and codes.",
    ),
    Page(
        "explain-ambiguous",
        "Several things of the program have the name that `klotho explain` was asked for.",
        "Constructs of different kinds may share a name, and one type has many resources.",
        "Ask for one of those that are listed: `KIND/NAME` for a construct, the logical id for a resource.",
    ),
)
