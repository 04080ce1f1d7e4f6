"""Puts a bundle into the project's store, from where it is demanded of every application of an environment.

Input: a program (for its project and environment), a bundle. Output: where it is. Refuses what the store refuses.
"""

from __future__ import annotations

from klotho.driver import guardrail_sources as sources
from klotho.driver import session
from klotho.driver.build import Described
from klotho.driver.guardrails import place_of, store_of
from klotho.driver.local_cloud import local_failures
from klotho.guardrails import Bundle


def publish_bundle(described: Described, bundle: Bundle) -> str:
    """Needs the program's project; only its name and its environment are used of the program."""
    environment, project = described.environment, described.application.project
    opened = None if environment.target == "local" else session.answering(environment, project)
    with local_failures():
        return sources.publish(store_of(environment, opened), project, place_of(environment), bundle.name, bundle.text)
