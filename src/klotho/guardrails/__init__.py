"""Guardrails: rules that a central team owns, and that applications can only tighten.

Input: the text of bundles; an application and what it is made of. Output: findings, and values that the engine sets. A
stranger to the other stages: the driver loads bundles, hands the engine what they enforce, and asks for judgement.
"""

from __future__ import annotations

from klotho.guardrails.bundle import BUNDLE_FILE, Bundle, Fixture, Rule, Waiver, digest_of, parse_bundle
from klotho.guardrails.enforcing import enforced, refusing
from klotho.guardrails.finding import Finding
from klotho.guardrails.form import json_schema
from klotho.guardrails.judged import Cost, Judged
from klotho.guardrails.judging import Judgement, judge
from klotho.guardrails.project import judge_project
from klotho.guardrails.vocabulary import BUNDLE

__all__ = [
    "BUNDLE",
    "BUNDLE_FILE",
    "Bundle",
    "Cost",
    "Finding",
    "Fixture",
    "Judged",
    "Judgement",
    "Rule",
    "Waiver",
    "digest_of",
    "enforced",
    "json_schema",
    "judge",
    "judge_project",
    "parse_bundle",
    "refusing",
]
