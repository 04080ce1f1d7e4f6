"""What is wrong with a function, said before anything is made of it: its file, the function in it, its limits."""

from __future__ import annotations

import ast
import re

from klotho.application import Construct
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Report, did_you_mean, one_of

_JS_NAMES = re.compile(
    r"""\bexport\s+(?:default\s+)?(?:async\s+)?(?:function\s*\*?|const|let|var|class)\s+([A-Za-z_$][\w$]*)"""
    r"""|\bexports\.([A-Za-z_$][\w$]*)\s*="""
    r"""|\bexports\[['"]([\w$]+)['"]\]\s*="""
)
_JS_LISTS = re.compile(r"""(?:\bexport\s*|module\.exports\s*=\s*)\{([^{}]*)\}""")


def runtime_of(construct: Construct, setting: Setting) -> str:
    """The runtime the user named, else the one for the handler's file."""
    given = setting.parameter(construct, "runtime")
    if given is not None:
        return str(given)
    suffix = _suffix(construct, setting) or ".py"
    return str(table("lambda")["runtime"][suffix])


def check_function(construct: Construct, setting: Setting, report: Report) -> None:
    """Its handler exists and Lambda takes its limits."""
    handler = setting.parameter(construct, "handler")
    module, _, function = str(handler or "").rpartition(".")
    if not module or not function.isidentifier():
        report.error(
            "bad-handler",
            f"{construct.title} has the handler `{handler}`",
            construct.span,
            helps=['write `path/module.function`, for example `handler="functions/invoice.handler"`'],
        )
        return
    _handler(construct, setting, report, module, function)
    _limits(construct, setting, report)


def _handler(construct: Construct, setting: Setting, report: Report, module: str, function: str) -> None:
    root = setting.parameter(construct, "context") or "."
    if setting.files.path(f"{root}/{module}") is None:
        report.error("outside-repository", f"`{root}/{module}` leads outside the repository", construct.span)
        return
    suffix = _suffix(construct, setting)
    if suffix is None:
        folder, _, name = module.rpartition("/")
        stems = [entry.rpartition(".")[0] for entry in setting.files.names_in(f"{root}/{folder}") if "." in entry]
        endings = ", ".join(table("lambda")["runtime"])
        report.error(
            "missing-handler",
            f"{construct.title} has no handler file `{module}` with one of the endings {endings}",
            construct.span,
            helps=[did_you_mean(name, stems)],
        )
        return
    if suffix in (".ts", ".mts", ".cts"):
        report.error(
            "not-supported-yet",
            f"the handler `{module}{suffix}` of {construct.title} is TypeScript, which is not bundled yet",
            construct.span,
            helps=["compile it first and name the JavaScript file"],
        )
        return
    text = setting.files.read(f"{root}/{module}{suffix}") or ""
    names = python_names(text) if suffix == ".py" else javascript_names(text)
    if names is not None and function not in names:
        report.error(
            "missing-handler",
            f"`{module}{suffix}` has no function `{function}`",
            construct.span,
            helps=[did_you_mean(function, names), f"it has {one_of(sorted(names))}" if names else None],
        )


def _suffix(construct: Construct, setting: Setting) -> str | None:
    """The ending of the handler's file, None when there is no such file."""
    root = setting.parameter(construct, "context") or "."
    module = str(setting.parameter(construct, "handler")).rpartition(".")[0]
    return next((end for end in table("lambda")["runtime"] if setting.files.is_file(f"{root}/{module}{end}")), None)


def _limits(construct: Construct, setting: Setting, report: Report) -> None:
    runtime = setting.parameter(construct, "runtime")
    runtimes = table("lambda")["runtimes"]
    if runtime is not None and runtime not in runtimes:
        report.error(
            "bad-runtime",
            f"{construct.title} wants the runtime `{runtime}`",
            construct.span,
            helps=[did_you_mean(str(runtime), runtimes), f"use one of {one_of(runtimes)}"],
        )
    for name, unit in (("memory", "MB"), ("timeout", "seconds")):
        low, high = table("lambda")["limits"][name]
        value = setting.parameter(construct, name)
        if not low <= value <= high:
            report.error(
                "bad-size",
                f"{construct.title} wants {name}={value}, Lambda takes {low} to {high} {unit}",
                construct.span,
            )


def python_names(text: str) -> set[str] | None:
    """Names a Python module defines at its top; None when that can't be known (a star import, a syntax error)."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    names: set[str] = set()
    for node in ast.walk(ast.Module([n for n in tree.body if not isinstance(n, ast.FunctionDef | ast.ClassDef)], [])):
        if isinstance(node, ast.ImportFrom | ast.Import):
            if any(alias.name == "*" for alias in node.names):
                return None
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names | {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


def javascript_names(text: str) -> set[str] | None:
    """Names a JavaScript module exports in a form that is read without running it; None when there is another form."""
    names = {name for match in _JS_NAMES.finditer(text) for name in match.groups() if name}
    for listed in _JS_LISTS.finditer(text):
        for item in listed.group(1).split(","):
            words = item.replace(":", " ").split()
            if words:
                names.add(words[-1] if "as" in words else words[0])
    unusual = re.search(r"module\.exports\s*=(?!\s*\{)|export\s*\*|Object\.assign\(\s*(module\.)?exports|\.\.\.", text)
    return None if unusual or not names else names
