"""`python -m tests.torture`: more than ten thousand malformed inputs, the same ones each time, and what became of them."""

import sys
import tempfile
from pathlib import Path

from tests.torture.run import torture
from tests.torture.targets import TARGETS

INPUTS, SLOW = 1100, 500  # for each target

total = 0
for name, target in TARGETS.items():
    with tempfile.TemporaryDirectory() as scratch:
        kinds = torture(target, SLOW if target.slow else INPUTS, Path(scratch, "x"))
    total += kinds.total()
    print(
        f"{name}: {kinds.total()} inputs: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
        flush=True,
    )
print(f"{total} inputs, derandomized: every one was taken, or refused with one line")
sys.exit(total < 10_000)
