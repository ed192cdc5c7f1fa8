"""Rules meet airspace: decisions on crossings and activities, closed masks, breaches.

Nothing here knows shapes beyond an area's row; nothing here knows routes. A decision always
carries the verdicts it rests on.
"""

from airsim.permission.bound import AreaKey, BoundRulebook, bind_rulebook
from airsim.permission.cut import cut_exceptions
from airsim.permission.decision import (
    TAIL_FACTS,
    Decision,
    Outcome,
    Weight,
    decide,
    find_breaches,
    find_candidates,
    weigh_verdict,
)
from airsim.permission.facts import FactColumn, FactsTable, make_column, tabulate_facts
from airsim.permission.mask import Chosen, Mask, mask_airspace, mask_span
from airsim.permission.memory import recall_breaches, recall_decision
from airsim.permission.tables import (
    DecisionTable,
    RuleTables,
    VerdictList,
    judge_crossings,
    judge_questions,
    lay_out_rules,
)

__all__ = [
    "TAIL_FACTS",
    "AreaKey",
    "BoundRulebook",
    "Chosen",
    "Decision",
    "DecisionTable",
    "FactColumn",
    "FactsTable",
    "Mask",
    "Outcome",
    "RuleTables",
    "VerdictList",
    "Weight",
    "bind_rulebook",
    "cut_exceptions",
    "decide",
    "find_breaches",
    "find_candidates",
    "judge_crossings",
    "judge_questions",
    "lay_out_rules",
    "make_column",
    "mask_airspace",
    "mask_span",
    "recall_breaches",
    "recall_decision",
    "tabulate_facts",
    "weigh_verdict",
]
