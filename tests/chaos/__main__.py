"""The long campaign: see campaign.py. Exit status 1 if it found a defect."""

import sys
import time

from tests.chaos.campaign import campaign, run_without_faults

if __name__ == "__main__":
    faults, seed = (int(argument) for argument in (*sys.argv[1:], *("300", "1")[len(sys.argv) - 1 :]))
    start = time.monotonic()
    tally = campaign(faults, seed, run_without_faults())
    print(tally)
    print(f"seed {seed}, {(time.monotonic() - start) / 60:.0f} minutes")
    sys.exit(not tally.clean)
