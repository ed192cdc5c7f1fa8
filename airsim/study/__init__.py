"""Studies: a scenario run and asked, two runs compared, what each instrument is worth."""

from airsim.study.findings import compare, run
from airsim.study.value import Level, Objective, value_instruments

__all__ = ["Level", "Objective", "compare", "run", "value_instruments"]
