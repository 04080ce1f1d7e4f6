"""Codes of what things cost."""

from klotho.diagnostics.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "cost-above-budget",
        "What would be made is expected to cost more in a month than `requires(max_monthly_cost=…)` allows.",
        "A budget that is only looked at afterwards is paid first. It counts in every environment, at the list prices "
        "of its region; the local cloud costs nothing and is judged as if it were AWS.",
        "The lines that can't hold together with the budget are shown, and the three biggest costs; `klotho cost` "
        "lists all. Choose something smaller, say `expects(…)` if less use is expected, or allow more.",
        'import klotho\nfrom klotho import Databases\n\napp = klotho.Application("shop")\n'
        'app.requires(max_monthly_cost=5)\nDatabases.Postgres("orders_db")\n',
    ),
    Page(
        "budget-not-proven",
        "What is known of the costs is within `requires(max_monthly_cost=…)`, but something has no known price.",
        "The total may be above the budget without anybody having noticed.",
        "Look the price up and add it to `catalogue/prices`, or renew the tables: `python tools/refresh_prices.py`.",
        'import klotho\nfrom klotho import Compute\n\napp = klotho.Application("shop")\n'
        'app.requires(max_monthly_cost=500)\nCompute.Container("orders", image="nginx")\n',
    ),
    Page(
        "choice-not-proven",
        "The search for the best combination within the budget was stopped before it was complete.",
        "What was taken keeps everything that is required; something better may exist.",
        "Pin some constructs with `use(…)`, which leaves less to choose, or leave out the objective.",
    ),
    Page(
        "nothing-to-pay",
        "`klotho cost NAME` names something that costs nothing, or that is not there.",
        "A construct can be free by itself; a mistyped one looks the same.",
        "`klotho cost` lists what costs something; `--json` names what is free.",
    ),
)
