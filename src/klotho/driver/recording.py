"""Keeps a revision of each deployment that changed something, part of a failed one too.

Input: what was deployed, who asks. Output: a `Revision`, None where nothing was touched. Refuses what the artifact
bucket refuses.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from klotho.deploy.orchestrator import Deployment, StackOutcome
from klotho.deploy.revisions import About, Revision, Revisions, Values, Version
from klotho.driver.build import Build
from klotho.driver.leases import user_name
from klotho.driver.machine import now_ms
from klotho.driver.session import Session
from klotho.stacks import Manifest


def record(
    built: Build, opened: Session, deployment: Deployment, values: Values, command: str = "klotho up"
) -> Revision | None:
    """Keep what `up` deployed. `values`: what assets and steps gave, by stack and parameter."""
    application = built.application
    kept = Revisions(opened.clients, application.project, built.environment.name, application.name)
    if not changed(deployment):
        return None  # without asking git
    why = about(command, version_of(built.program.folder))
    return keep(kept, why, built.manifest, built.templates, values, deployment)


def keep(
    kept: Revisions,
    why: About,
    manifest: Manifest,
    templates: Mapping[str, bytes],
    values: Values,
    deployment: Deployment,
) -> Revision | None:
    """Keep any deployment."""
    if not changed(deployment):
        return None
    results = {item.stack: item.result for item in deployment.outcomes}
    return kept.record(why, manifest, templates, values, "succeeded" if deployment.ok else "failed", results)


def about(command: str, version: Version | None) -> About:
    """This command, here and now."""
    return About(now_ms(), user_name(), socket.gethostname(), command, version)


def changed(deployment: Deployment) -> bool:
    """Whether any stack was touched."""
    return any(map(_touched, deployment.outcomes))


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
