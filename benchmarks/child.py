"""A small parent for measured processes: ``python -m benchmarks.child ARGUMENTS``.

Runs ``python ARGUMENTS`` and prints its wall clock, processor time and most memory as JSON. A
process counts the memory of the one that started it as its own: so that one has to be small.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Entry point."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL)
    if hasattr(os, "wait4"):
        _, status, used = os.wait4(child.pid, 0)
        wall, code = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
        cpu = used.ru_utime + used.ru_stime
        peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    else:  # Windows
        code, cpu, peak = child.wait(), None, None
        wall = time.perf_counter() - began
    print(json.dumps({"code": code, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak}))


if __name__ == "__main__":
    main()
