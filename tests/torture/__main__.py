"""`python -m tests.torture`: more than ten thousand malformed inputs, the same in each run, and their results."""

import sys
import tempfile
from pathlib import Path

from tests.torture.run import torture
from tests.torture.targets import TARGETS

INPUTS, SLOW = 1100, 500  # inputs per target

total = 0
for name, target in TARGETS.items():
    with tempfile.TemporaryDirectory() as folder:
        kinds = torture(target, SLOW if target.slow else INPUTS, Path(folder, "x"))
    total += kinds.total()
    print(
        f"{name}: {kinds.total()} inputs: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
        flush=True,
    )
print(f"{total} inputs, derandomized: each was accepted, or refused with a one-line error")
sys.exit(total < 10_000)
