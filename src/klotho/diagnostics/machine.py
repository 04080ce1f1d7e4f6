"""Diagnostics for the machines that read check results: SARIF (code scanning) and JUnit XML (test reports).

Input: diagnostics; for JUnit also the names of rules that were kept. Output: text. Sources: OASIS SARIF 2.1.0 (sections
3.19, 3.27, 3.29), and the JUnit XML that Jenkins' and GitLab's readers document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from klotho.diagnostics.diagnostic import Diagnostic, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(diagnostics: Iterable[Diagnostic], version: str, folder: str = "") -> str:
    """One run of one tool; a guardrail's rule is named by its own name, all else by its code. `folder`: where the
    program is in its repository, from whose root code scanning counts paths."""
    found = list(diagnostics)
    names = sorted({_name(item) for item in found})
    driver = {"name": "klotho", "version": version, "rules": [{"id": name} for name in names]}
    index = {name: number for number, name in enumerate(names)}
    results = [_result(item, index[_name(item)], folder) for item in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    import json

    return json.dumps(document, indent=2, ensure_ascii=False)


def render_junit(diagnostics: Iterable[Diagnostic], kept: Sequence[str], name: str) -> str:
    """A test case for each rule that was kept and for each diagnostic; errors are failures, all else passes."""
    found = list(diagnostics)
    failures = sum(item.severity is Severity.ERROR for item in found)
    cases = [f"    <testcase classname={_attribute(name)} name={_attribute(rule)}/>" for rule in kept]
    cases += [_case(item, name) for item in found]
    head = f"name={_attribute(name)} tests={_attribute(str(len(cases)))} failures={_attribute(str(failures))}"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", f"  <testsuite {head}>", *cases]
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"])


def _name(item: Diagnostic) -> str:
    return item.rule or item.code


def _text(item: Diagnostic) -> str:
    return "\n".join([item.message, *item.notes, *item.helps])


def _result(item: Diagnostic, index: int, folder: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _name(item),
        "ruleIndex": index,
        "level": _LEVELS[item.severity],
        "message": {"text": _text(item)},
    }
    if item.span is not None:
        region: dict[str, int] = {"startLine": max(item.span.line, 1), "startColumn": max(item.span.column, 1)}
        if item.span.end_line is not None:
            region["endLine"] = item.span.end_line
        if item.span.end_column is not None:
            region["endColumn"] = item.span.end_column
        file = item.span.file if item.span.file.startswith("/") or not folder else f"{folder}/{item.span.file}"
        place = {"artifactLocation": {"uri": _uri(file)}, "region": region}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.replace("\\", "/"))


def _case(item: Diagnostic, name: str) -> str:
    at = f" file={_attribute(item.span.file)} line={_attribute(str(item.span.line))}" if item.span else ""
    head = f"    <testcase classname={_attribute(name)} name={_attribute(f'{_name(item)}: {item.message}')}{at}>"
    if item.severity is Severity.ERROR:
        body = f"<failure type={_attribute(item.code)} message={_attribute(item.message)}>{_xml(_text(item))}</failure>"
    else:
        body = f"<system-out>{_xml(f'{item.severity}: {_text(item)}')}</system-out>"
    return f"{head}\n      {body}\n    </testcase>"


def _attribute(text: str) -> str:
    from xml.sax.saxutils import quoteattr  # it loads half of urllib

    return quoteattr(_printable(text))


def _xml(text: str) -> str:
    from xml.sax.saxutils import escape

    return escape(_printable(text))


def _printable(text: str) -> str:
    """XML 1.0 has no control characters but these."""
    return "".join(char for char in text if char in "\t\n\r" or (char >= " " and not 0xD800 <= ord(char) <= 0xDFFF))
