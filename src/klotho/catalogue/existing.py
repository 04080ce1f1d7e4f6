"""An implementation of what is there already: it adopts where the one it stands for would make.

The engine's passes, which ask the chosen implementation of every construct what to do, need to know no more of it.
Whatever else may say where a construct's resources come from (another application of the project) does it like this: an
implementation whose `expand` yields `Adopt` actions.
"""

from __future__ import annotations

from dataclasses import replace

from klotho.application import Construct
from klotho.catalogue.adoption import adopt, check_adoption, look_up, makes_rules
from klotho.catalogue.rules import Implementation, Placement, Setting
from klotho.diagnostics import Report


def adopting(implementation: Implementation, construct: Construct, setting: Setting) -> Implementation:
    """The implementation for an adopted construct; only where it has an `adoption`."""
    adoption = implementation.adoption
    assert adoption is not None, implementation.name

    def check(construct: Construct, setting: Setting, report: Report) -> None:
        check_adoption(construct, implementation, setting, report)

    inside = adoption.networked and (makes_rules(construct, setting) or setting.in_existing_network)
    return replace(
        implementation,
        expand=adopt,
        check=check,
        steps=look_up,
        asset=adoption.asset,
        needs=adoption.needs,
        enter_network=adoption.enter_network,
        placement=Placement.THERE if inside else Placement.OUTSIDE,
        outputs={
            name: output
            for name, output in implementation.outputs.items()
            if adoption.outputs is None or name in adoption.outputs
        },
        files=lambda construct, setting: None,
        spread=lambda construct, setting: (),
        check_spread=lambda construct, setting, report: None,
        stateful=False,
    )
