"""What is wrong with a container, said before anything is made of it."""

from __future__ import annotations

from klotho.application import Construct
from klotho.catalogue.kinds.container_ports import port_variables
from klotho.catalogue.kinds.environment_check import check_container_environment, check_function_environment
from klotho.catalogue.kinds.file_check import nearest_folder, refuses_outside
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, did_you_mean


def check_container(construct: Construct, setting: Setting, report: Report) -> None:
    """Its files exist, Fargate takes its size, and its variables are its own."""
    if not construct.unread & {"context", "dockerfile", "image"}:
        _files(construct, setting, report)
    if not construct.unread & {"cpu", "memory"}:
        _size(construct, setting, report)
    if not construct.unread & {"port", "ports"}:
        check_container_environment(construct, setting, report, port_variables(construct, setting))


def check_container_on_lambda(construct: Construct, setting: Setting, report: Report, why_not: tuple[str, ...]) -> None:
    """Its files exist, and it asks for nothing that Lambda does not carry (`why_not`)."""
    if not construct.unread & {"context", "dockerfile", "image"}:
        _files(construct, setting, report)
    for reason in why_not:
        report.error(
            "not-on-this-host",
            f"{construct.title} can't be made with `lambda-container`",
            construct.span,
            notes=[reason],
            helps=["leave out `use(…)`, or what it can't carry"],
        )
    limits = table("lambda")["limits"]["timeout"]
    timeout = setting.parameter(construct, "timeout")
    if timeout is not None and not limits[0] <= timeout <= limits[1]:
        report.error(
            "bad-size",
            f"{construct.title} wants timeout={timeout}, Lambda takes {limits[0]} to {limits[1]} seconds",
            construct.span,
            helps=[f"write `timeout={min(max(timeout, limits[0]), limits[1])}`"],
        )
    if construct.unread & {"port", "ports"}:
        return
    ports = port_variables(construct, setting)
    reserved = table("lambda")["adapter"]["port"]
    if reserved in ports.values():
        report.error(
            "bad-size",
            f"{construct.title} listens on port {reserved}, which is the Runtime API's on Lambda",
            construct.place("port"),
            helps=["give it another one: `port=8080`"],
        )
    check_container_environment(construct, setting, report, ports)
    check_function_environment(construct, setting, report)


def check_container_on_eks(construct: Construct, setting: Setting, report: Report, why_not: tuple[str, ...]) -> None:
    """Its files exist, and it asks for nothing that Kubernetes does not carry so far (`why_not`)."""
    if not construct.unread & {"context", "dockerfile", "image"}:
        _files(construct, setting, report)
    for reason in why_not:
        report.error(
            "not-on-this-host",
            f"{construct.title} can't be made with `eks`",
            construct.span,
            notes=[reason],
            helps=["leave out `use(…)`, or what it can't carry"],
        )
    for name, unit, least in (("cpu", "CPU units", 1), ("memory", "MiB", 8)):
        wanted = setting.parameter(construct, name)
        if name not in construct.unread and not int(wanted) >= least:
            report.error(
                "bad-size",
                f"{construct.title} wants {name}={wanted}",
                construct.place(name),
                helps=[f"write how many {unit} it needs: at least {least}"],
            )
    if not construct.unread & {"port", "ports"}:
        check_container_environment(construct, setting, report, port_variables(construct, setting))


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
    if refuses_outside(construct, "context", context, setting, report):
        return
    if not setting.files.is_folder(context):
        report.error(
            "missing-context",
            f"the folder `{context}` of {construct.title} does not exist",
            construct.place("context"),
            helps=[nearest_folder(context, setting)],
        )
        return
    _dockerfile(construct, context, setting, report)


def _dockerfile(construct: Construct, context: str, setting: Setting, report: Report) -> None:
    dockerfile = setting.parameter(construct, "dockerfile") or f"{context.rstrip('/')}/Dockerfile"
    if refuses_outside(construct, "dockerfile", dockerfile, setting, report):
        return
    if not setting.files.is_file(dockerfile):
        folder, _, name = dockerfile.rpartition("/")
        report.error(
            "missing-dockerfile",
            f"{construct.title} has no Dockerfile at `{dockerfile}`",
            construct.place("dockerfile"),
            helps=[
                did_you_mean(name, setting.files.names_in(folder or "."))
                or f'write one there, or name another: `dockerfile="{folder}/Dockerfile.dev"`'
            ],
        )


def _size(construct: Construct, setting: Setting, report: Report) -> None:
    cpu, memory = setting.parameter(construct, "cpu"), setting.parameter(construct, "memory")
    sizes = table("fargate")["memory"]
    if str(cpu) not in sizes:
        report.error(
            "bad-size",
            f"{construct.title} wants cpu={cpu}, which Fargate does not offer",
            construct.place("cpu"),
            helps=[f"use one of {', '.join(sizes)} (1024 is one vCPU)"],
        )
        return
    first, last, step = sizes[str(cpu)]
    if not (first <= memory <= last and (memory - first) % step == 0):
        report.error(
            "bad-size",
            f"{construct.title} wants memory={memory} with cpu={cpu}, which Fargate does not offer",
            construct.place("memory"),
            helps=[f"with cpu={cpu}, memory goes from {first} to {last} MiB in steps of {step}"],
        )
