"""Codes of what things cost."""

from klotho.diagnostics.codes.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "cost-above-budget",
        "What would be made is expected to cost more in a month than `requires(max_monthly_cost=…)` allows.",
        "A budget that is only looked at afterwards is paid first. It counts in every environment, at the list prices "
        "of its region; the local cloud costs nothing and is judged as if it were AWS.",
        "The three biggest lines are named; `klotho cost` lists all. Choose something smaller, say `expects(…)` if "
        "less use is expected than is assumed, or allow more.",
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
        "nothing-to-pay",
        "`klotho cost NAME` names something that costs nothing, or that is not there.",
        "A construct can be free by itself; a mistyped one looks the same.",
        "`klotho cost` lists what costs something; `--json` names what is free.",
    ),
)
