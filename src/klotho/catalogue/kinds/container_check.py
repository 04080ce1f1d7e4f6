"""What is wrong with a container, said before anything is made of it."""

from __future__ import annotations

from klotho.application import Construct
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, did_you_mean


def check_container(construct: Construct, setting: Setting, report: Report) -> None:
    """Its files exist and Fargate takes its size."""
    _files(construct, setting, report)
    _size(construct, setting, report)


def _files(construct: Construct, setting: Setting, report: Report) -> None:
    if setting.parameter(construct, "image") is not None:
        return
    context = setting.parameter(construct, "context")
    if context is None:
        report.error(
            "missing-context",
            f"{construct.title} has neither a `context` nor an `image`",
            construct.span,
            helps=['say where its Dockerfile is: `context="./services/…"`'],
        )
        return
    if setting.files.path(context) is None:
        report.error("outside-repository", f"`{context}` leads outside the repository", construct.span)
        return
    if not setting.files.is_folder(context):
        parent, _, name = context.rstrip("/").rpartition("/")
        report.error(
            "missing-context",
            f"the folder `{context}` of {construct.title} does not exist",
            construct.span,
            helps=[did_you_mean(name, setting.files.names_in(parent or "."))],
        )
        return
    dockerfile = setting.parameter(construct, "dockerfile") or f"{context.rstrip('/')}/Dockerfile"
    if not setting.files.is_file(dockerfile):
        folder, _, name = dockerfile.rpartition("/")
        report.error(
            "missing-dockerfile",
            f"{construct.title} has no Dockerfile at `{dockerfile}`",
            construct.span,
            helps=[did_you_mean(name, setting.files.names_in(folder or ".")), "or name another one: `dockerfile=…`"],
        )


def _size(construct: Construct, setting: Setting, report: Report) -> None:
    cpu, memory = setting.parameter(construct, "cpu"), setting.parameter(construct, "memory")
    sizes = table("fargate")["memory"]
    if str(cpu) not in sizes:
        report.error(
            "bad-size",
            f"{construct.title} wants cpu={cpu}, which Fargate does not offer",
            construct.span,
            helps=[f"use one of {', '.join(sizes)} (1024 is one vCPU)"],
        )
        return
    first, last, step = sizes[str(cpu)]
    if not (first <= memory <= last and (memory - first) % step == 0):
        report.error(
            "bad-size",
            f"{construct.title} wants memory={memory} with cpu={cpu}, which Fargate does not offer",
            construct.span,
            helps=[f"with cpu={cpu}, memory goes from {first} to {last} MiB in steps of {step}"],
        )
