"""A short campaign of faults. `make chaos` runs the long one."""

import pytest

from tests.chaos.campaign import campaign, run_without_faults

pytestmark = pytest.mark.xdist_group("chaos")

FAULTS, SEED = 10, 1


def test_a_sweep_with_faults_ends_like_a_sweep_without_faults(certify):
    certify("reference")
    tally = campaign(FAULTS, SEED, run_without_faults())
    assert tally.faults.total() == FAULTS and tally.clean, str(tally)
    assert len(tally.faults) >= 4  # kinds
