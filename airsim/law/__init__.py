"""Law as data: instruments, rules, licences, two clocks, amendments, lint.

Designators only, never shapes: which areas a rule covers is settled in `airsim.permission`.
"""

from airsim.law.amend import Amendment, amend_rulebook, parse_amendments
from airsim.law.explain import Node, explain, name_some, tell_bounds, tell_instant
from airsim.law.judge import (
    FlightFacts,
    Place,
    Question,
    Truth,
    Verdict,
    covers_place,
    find_changes,
    judge_facts,
    judge_place,
    judge_rule,
    judge_time,
    split_facts,
    walk_tables,
)
from airsim.law.lint import LintFinding, find_unknown_names, lint_rulebook
from airsim.law.local import (
    CLOSURES,
    invert_hours,
    make_closure_rule,
    make_hours_rule,
    make_limit_rule,
)
from airsim.law.model import (
    Activity,
    Confidence,
    FlightTest,
    Permit,
    Reference,
    Rule,
    Unless,
    When,
    Where,
    Who,
    rulebook_schema,
)
from airsim.law.rulebook import (
    Rulebook,
    list_items,
    list_permissions,
    load_rulebook,
    make_rulebook,
    parse_rules,
    read_rules,
)
from airsim.law.scope import covers_scope

__all__ = [
    "CLOSURES",
    "Activity",
    "Amendment",
    "Confidence",
    "FlightFacts",
    "FlightTest",
    "LintFinding",
    "Node",
    "Permit",
    "Place",
    "Question",
    "Reference",
    "Rule",
    "Rulebook",
    "Truth",
    "Unless",
    "Verdict",
    "When",
    "Where",
    "Who",
    "amend_rulebook",
    "covers_place",
    "covers_scope",
    "explain",
    "find_changes",
    "find_unknown_names",
    "invert_hours",
    "judge_facts",
    "judge_place",
    "judge_rule",
    "judge_time",
    "lint_rulebook",
    "list_items",
    "list_permissions",
    "load_rulebook",
    "make_closure_rule",
    "make_hours_rule",
    "make_limit_rule",
    "make_rulebook",
    "name_some",
    "parse_amendments",
    "parse_rules",
    "read_rules",
    "rulebook_schema",
    "split_facts",
    "tell_bounds",
    "tell_instant",
    "walk_tables",
]
