"""The scripts of exports name what the templates name."""

from __future__ import annotations

from klotho.catalogue.kinds import container
from klotho.deploy import bootstrap
from klotho.deploy.functions import inside
from klotho.deploy.sites import files
from klotho.deploy.steps import KINDS
from klotho.emit import shell


def test_images_go_where_the_roles_of_containers_may_pull_from() -> None:
    assert f"repository/{shell.REPOSITORY}" == container._REPOSITORY
    assert shell.REPOSITORY == bootstrap.REPOSITORY


def test_what_packages_are_built_from_lies_where_a_function_s_zip_has_it() -> None:
    assert inside.FOLDER == shell.BUILT_FROM


def test_every_step_of_the_deployer_has_its_lines() -> None:
    assert shell._STEPS.keys() == KINDS.keys()


def test_a_site_s_values_lie_where_its_pages_look() -> None:
    assert files.CONFIGURATION == shell.CONFIGURATION
