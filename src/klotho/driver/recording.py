"""Keeps a revision of each deployment that changed something, part of a failed one too.

Input: what was deployed, who asks. Output: a `Revision`, None where nothing was touched. Refuses what the artifact
bucket refuses.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from klotho.deploy.orchestrator import Deployment, StackOutcome
from klotho.deploy.revisions import About, Revision, Revisions, Values, Version
from klotho.deploy.sites.step import Compared
from klotho.driver.build import Build
from klotho.driver.judged_revisions import model_of
from klotho.driver.leases import user_name
from klotho.driver.machine import now_ms
from klotho.driver.session import Session
from klotho.registry import Broken
from klotho.stacks import Manifest


def record(
    built: Build,
    opened: Session,
    deployment: Deployment,
    values: Values,
    sites: Sequence[Compared],
    command: str = "klotho up",
    broke: Iterable[Broken] = (),
) -> Revision | None:
    """Keep what `up` deployed and is about to publish. `values`: what assets and steps gave, by stack and parameter.
    `command`: what was run. `broke`: what it broke of other applications, with consent."""
    application = built.application
    kept = Revisions(opened.clients, application.project, built.environment.name, application.name)
    if not changed(deployment, sites):
        return None  # without asking git
    allowed = "".join(f" --allow-breaking {name}" for name in sorted({item.application for item in broke}))
    why = about(f"{command}{allowed}", version_of(built.program.folder))
    model = model_of(built.application, built.graph.choices)
    return keep(kept, why, built.manifest, built.templates, values, deployment, sites, model)


def keep(
    kept: Revisions,
    why: About,
    manifest: Manifest,
    templates: Mapping[str, bytes],
    values: Values,
    deployment: Deployment,
    sites: Sequence[Compared],
    model: bytes,
) -> Revision | None:
    """Keep any deployment."""
    if not changed(deployment, sites):
        return None
    results = {item.stack: item.result for item in deployment.outcomes}
    ok = deployment.ok and not any(item.outcome is not None and item.outcome.result == "failed" for item in sites)
    files = {item.site.construct: item.files for item in sites if item.changes is not None}
    news = tuple(item.site.construct for item in sites if item.outcome is None)
    return kept.record(why, manifest, templates, values, "succeeded" if ok else "failed", results, files, news, model)


def about(command: str, version: Version | None) -> About:
    """This command, here and now."""
    return About(now_ms(), user_name(), socket.gethostname(), command, version)


def changed(deployment: Deployment, sites: Sequence[Compared] = ()) -> bool:
    """Whether any stack was touched, or files of a site are to be."""
    return any(map(_touched, deployment.outcomes)) or any(item.outcome is None for item in sites)


def version_of(folder: Path) -> Version | None:
    """The commit of the program's folder; None outside of git repositories."""
    commit = git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return Version(commit, dirty=git(folder, "status", "--porcelain", "--", ".") != "")


def git(folder: Path, *arguments: str) -> str | None:
    """What git says about a folder; None where it does not run, or refuses."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _touched(outcome: StackOutcome) -> bool:
    """A stack whose operation began; one that failed before that was not touched."""
    if outcome.result == "failed":
        return outcome.cause is not None and bool(outcome.cause.aftermath)
    return outcome.result not in ("unchanged", "skipped", "cancelled")
