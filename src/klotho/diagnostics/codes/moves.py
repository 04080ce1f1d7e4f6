"""Codes of data that moves, or that somebody must give up by name. None has an example program: each needs something
that is deployed already."""

from klotho.diagnostics.codes.page import Page

PAGES = (
    Page(
        "data-would-be-deleted",
        "The change would remove or replace a database, table, bucket, user pool or secret.",
        "Its data would be gone. Removing a construct, changing what can't be changed in place, and giving it another "
        "name all look like that.",
        'Undo the change. If it was renamed, add `was="old_name"` to it, or answer the question of `klotho up`, or run '
        "it with `--move old_name=new_name`: the data stay. If the data may go, type the name when you are asked; in "
        "scripts `--delete-data NAME` says it. `--yes` does not.",
    ),
    Page(
        "consent-needed",
        "`klotho down --delete-data` was given another name than the application's.",
        "Deleting data needs the name of what goes, typed by somebody who means it; `--yes` is not enough.",
        "Give the application's name: `klotho down --delete-data shop`.",
    ),
    Page(
        "move-unknown",
        "`--move OLD=NEW` names a new construct that the program does not have, or that holds no data.",
        "There is nothing that could keep what OLD has.",
        "Correct the name; the former one stands first.",
    ),
    Page(
        "move-not-written",
        "A renamed construct has kept its data because you said so to one command only.",
        "The next run, and every other environment, would take it for a new one and ask again.",
        'Write `was="old_name"` where the construct is made, and leave it there: what is deployed keeps the old name.',
    ),
    Page(
        "former-name-taken",
        "A construct says `was=` with a name that another construct of its kind has, or was too.",
        "What is deployed under that name can belong to one of them only.",
        "Give the new construct another name, or leave out `was=`.",
    ),
    Page(
        "move-refused",
        "CloudFormation moves a construct to another stack neither by refactoring nor by import.",
        "Making it anew there would lose its data, so nothing was done.",
        "Leave the construct in the stack it is in: take back `stack=` or the `with klotho.Stack(…)` around it.",
    ),
    Page(
        "move-failed",
        "Moving a construct to another stack stopped half-way.",
        "CloudFormation refused a step; the message has its words. The data are kept.",
        "Remove the reason and run `klotho up` again: it goes on where it stopped.",
    ),
)
