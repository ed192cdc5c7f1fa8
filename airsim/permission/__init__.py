"""Rules meet airspace: decisions on crossings and activities, closed masks, breaches.

Nothing here knows shapes beyond an area's row; nothing here knows routes. A decision always
carries the verdicts it rests on.
"""

from airsim.permission.bound import AreaKey, BoundRulebook, bind_rulebook
from airsim.permission.decision import TAIL_FACTS, Decision, Outcome, decide, find_breaches
from airsim.permission.mask import mask_airspace

__all__ = [
    "TAIL_FACTS",
    "AreaKey",
    "BoundRulebook",
    "Decision",
    "Outcome",
    "bind_rulebook",
    "decide",
    "find_breaches",
    "mask_airspace",
]
