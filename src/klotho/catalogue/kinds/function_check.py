"""What is wrong with a function, said before anything is made of it: its file, the function in it, its limits."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache

from klotho.application import Construct
from klotho.catalogue.kinds.environment_check import check_function_environment
from klotho.catalogue.kinds.file_check import nearest_folder, refuses_outside
from klotho.catalogue.rules import Setting
from klotho.catalogue.tables import table
from klotho.diagnostics import Label, Report, Span, meant_or_listed, nearest

_JS_NAMES = re.compile(
    r"""\bexport\s+(?:default\s+)?(?:async\s+)?(?:function\s*\*?|const|let|var|class)\s+([A-Za-z_$][\w$]*)"""
    r"""|\bexports\.([A-Za-z_$][\w$]*)\s*="""
    r"""|\bexports\[['"]([\w$]+)['"]\]\s*="""
)
_GO_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_GO_PACKAGE = re.compile(r"^package[ \t]+(\w+)", re.MULTILINE)
_GO_MAIN = re.compile(r"^func[ \t]+main[ \t]*\(", re.MULTILINE)
_JS_LISTS = re.compile(r"""(?:\bexport\s*|module\.exports\s*=\s*)\{([^{}]*)\}""")


def runtime_of(construct: Construct, setting: Setting) -> str:
    """The runtime the user named, else the one for the handler's file."""
    given = setting.parameter(construct, "runtime")
    if given is not None:
        return str(given)
    found = _endings(construct, setting)
    return str(table("lambda")["runtime"][found[0] if found else ".py"])


def check_function(construct: Construct, setting: Setting, report: Report) -> None:
    """Its handler exists, Lambda takes its limits, and its variables are its own."""
    check_function_within(construct, setting, report, "Lambda", table("lambda")["limits"])


def check_function_within(
    construct: Construct, setting: Setting, report: Report, host: str, limits: Mapping[str, Sequence[int]]
) -> None:
    """`limits`: least and most of what `host` takes, by parameter."""
    if not construct.unread & {"handler", "context", "runtime"}:
        _handler(construct, setting, report)
    if not construct.unread & {"context", "include"}:
        _further_files(construct, setting, report)
    _runtime(construct, setting, report)
    _limits(construct, setting, report, host, limits)
    check_function_environment(construct, setting, report)


def _handler(construct: Construct, setting: Setting, report: Report) -> None:
    handler, root = setting.parameter(construct, "handler"), setting.parameter(construct, "context") or "."
    module, _, function = str(handler or "").rpartition(".")
    if not module or not function.isidentifier():
        report.error(
            "bad-handler",
            f"{construct.title} has the handler `{handler}`",
            construct.place("handler"),
            helps=['write `path/module.function`, for example `handler="functions/invoice.handler"`'],
        )
        return
    path = module if root == "." else f"{root}/{module}"
    if refuses_outside(construct, "context" if root != "." else "handler", path, setting, report):
        return
    if root != "." and not setting.files.is_folder(root):
        report.error(
            "missing-context",
            f"the folder `{root}` of {construct.title} does not exist",
            construct.place("context"),
            helps=[nearest_folder(root, setting)],
        )
        return
    ending = _ending(construct, path, setting, report)
    if ending is not None:
        _function(construct, f"{path}{ending}", function, setting, report)


def _further_files(construct: Construct, setting: Setting, report: Report) -> None:
    root = setting.parameter(construct, "context") or "."
    for name in setting.parameter(construct, "include") or ():
        path = name if root == "." else f"{root}/{name}"
        if refuses_outside(construct, "include", path, setting, report) or setting.files.is_file(path):
            continue
        report.error(
            "missing-include",
            f"`{path}`, which {construct.title} includes, is no file",
            construct.place("include"),
            helps=["name files, each by its own path below `context`"],
        )


def _ending(construct: Construct, path: str, setting: Setting, report: Report) -> str | None:
    """The ending of the handler's file; None when there is not exactly one file it can be, which is reported."""
    found = _endings(construct, setting)
    if len(found) > 1:
        report.error(
            "ambiguous-handler",
            f"the handler of {construct.title} can be {' or '.join(f'`{path}{end}`' for end in found)}",
            construct.place("handler"),
            helps=["rename or remove the one that is not meant"],
        )
    elif not found:
        _missing_file(construct, path, setting, report)
    else:
        return found[0]
    return None


def _missing_file(construct: Construct, path: str, setting: Setting, report: Report) -> None:
    runtimes, runtime = table("lambda")["runtime"], setting.parameter(construct, "runtime")
    present = [end for end in runtimes if setting.files.is_file(path + end)]
    if present and runtime in table("lambda")["runtimes"]:
        report.error(
            "bad-runtime",
            f"{construct.title} wants the runtime `{runtime}`, but its handler is `{path}{present[0]}`",
            construct.place("runtime"),
            helps=["leave out `runtime=`: it is inferred from the handler's file"],
        )
        return
    if present:
        return  # what is wrong is the runtime, which is said by its own check
    folder, _, name = path.rpartition("/")
    names = [entry.rpartition(".") for entry in setting.files.names_in(folder or ".")]
    stems = [stem for stem, _, end in names if f".{end}" in runtimes]
    place = f"{folder}/" if folder else ""
    meant = next(iter(nearest(name, stems)), None)
    function = str(setting.parameter(construct, "handler")).rpartition(".")[2]
    report.error(
        "missing-handler",
        f"{construct.title} has no handler file `{path}` with one of the endings {', '.join(runtimes)}",
        construct.place("handler"),
        helps=[
            f"did you mean `{place}{meant}`?"
            if meant
            else f"write it, with a function `{function}` in it, or correct the path: it starts at the program's folder"
        ],
    )


def _function(construct: Construct, path: str, function: str, setting: Setting, report: Report) -> None:
    """The function is in the file, as far as that can be told without running it."""
    text = setting.files.read(path) or ""
    if path.endswith(".py"):
        if _refuses_syntax(construct, path, text, setting, report):
            return
        names = python_names(text)
    elif path.endswith(".go"):
        _go_program(construct, path, function, text, report)
        return
    else:
        names = javascript_names(text)
    if names is not None and function not in names:
        report.error(
            "missing-handler",
            f"`{path}` has no function `{function}`",
            construct.place("handler"),
            helps=[meant_or_listed(function, names) or f"write one: `def {function}(event, context):`"],
        )


def _go_program(construct: Construct, path: str, function: str, text: str, report: Report) -> None:
    """It is the start of a program: nothing else of it can be called."""
    text = text.removeprefix("\ufeff")  # of editors on Windows; Go takes it
    package, starts = _GO_PACKAGE.search(_GO_COMMENT.sub("", text)), _GO_MAIN.search(text) is not None
    if function == "main" and starts and package is not None and package[1] == "main":
        return
    help = "name the file of `package main` that has `func main()`; it hands your function to `lambda.Start`"
    if function != "main" and starts:
        module = str(construct.properties.get("handler")).rpartition(".")[0]
        help = f'write `handler="{module}.main"`: `main` hands `{function}` to `lambda.Start`'
    report.error(
        "go-no-program",
        f"`{path}` has no Go program that starts at `{function}`"
        if function == "main"
        else f"a Go program starts at `main`, and the handler of {construct.title} is `{function}`",
        construct.place("handler"),
        helps=[help],
    )


def _refuses_syntax(construct: Construct, path: str, text: str, setting: Setting, report: Report) -> bool:
    """Reports a Python handler that is no Python, at its line; whether it did."""
    try:
        _parsed(text)
    except SyntaxError as error:
        if _may_be_newer(error, runtime_of(construct, setting)):
            return False
        line = max(error.lineno or 1, 1)
        report.error(
            "handler-syntax",
            f"`{path}`, the handler of {construct.title}, is no Python: {error.msg}",
            Span(path, line, max(error.offset or 1, 1), line, max(error.offset or 1, 1) + 1),
            also=[Label(construct.span, "it is the handler of this function")] if construct.span else [],
            helps=["correct it here or just before: Python notices an open bracket or quote only later"],
        )
        return True
    except ValueError:  # a NUL byte: `python_names` can't read it either
        return False
    return False


_NEWER = re.compile(r"""\b(def|class)\s+\w+\s*\[|^\s*type\s+\w+|\b([fF][rR]?|[rR][fF])['"]""")
"""What Python 3.12 added: type parameters, `type` statements, and any quotes in f-strings (PEP 695 and PEP 701)."""


def _may_be_newer(error: SyntaxError, runtime: str) -> bool:
    """Whether this Python may refuse the line only because it is older than the function's runtime."""
    version = runtime.removeprefix("python").split(".")
    if not all(part.isdecimal() for part in version) or tuple(map(int, version)) <= sys.version_info[:2]:
        return False
    return error.msg.startswith("f-string") or _NEWER.search(error.text or "") is not None


def _endings(construct: Construct, setting: Setting) -> list[str]:
    """The endings of the files the handler can be, of the runtime's language where one was named."""
    root = setting.parameter(construct, "context") or "."
    module = str(setting.parameter(construct, "handler")).rpartition(".")[0]
    language = str(setting.parameter(construct, "runtime") or "").rstrip("0123456789.x")
    runtimes: dict[str, str] = table("lambda")["runtime"]
    offered = [end for end, runtime in runtimes.items() if runtime.startswith(language)]
    return [end for end in offered if setting.files.is_file(f"{root}/{module}{end}")]


def _runtime(construct: Construct, setting: Setting, report: Report) -> None:
    runtime = setting.parameter(construct, "runtime")
    runtimes = table("lambda")["runtimes"]
    if runtime is not None and runtime not in runtimes:
        report.error(
            "bad-runtime",
            f"{construct.title} wants the runtime `{runtime}`",
            construct.place("runtime"),
            helps=[meant_or_listed(str(runtime), runtimes, "use one of")],
        )


def _limits(
    construct: Construct, setting: Setting, report: Report, host: str, limits: Mapping[str, Sequence[int]]
) -> None:
    for name, unit in (("memory", "MB"), ("timeout", "seconds")):
        if name in construct.unread:
            continue
        low, high = limits[name]
        value = setting.parameter(construct, name)
        if not low <= value <= high:
            report.error(
                "bad-size",
                f"{construct.title} wants {name}={value}, {host} takes {low} to {high} {unit}",
                construct.place(name),
                helps=[f"write `{name}={low if value < low else high}`"],
            )


@lru_cache(maxsize=32)
def _parsed(text: str) -> ast.Module:
    """Many functions may have their handlers in one file."""
    with warnings.catch_warnings():  # about the user's escapes, say: none of them is a mistake
        warnings.simplefilter("ignore")
        return ast.parse(text)


def python_names(text: str) -> set[str] | None:
    """Names a Python module defines at its top; None when that can't be known (a star import, a syntax error)."""
    try:
        tree = _parsed(text)
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
