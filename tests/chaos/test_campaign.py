"""A short campaign of faults; the long one is `make chaos`."""

import pytest

from tests.chaos.campaign import campaign, undisturbed

pytestmark = pytest.mark.xdist_group("chaos")

FAULTS, SEED = 10, 1


def test_a_disturbed_sweep_ends_as_an_undisturbed_one(certify):
    certify("reference")
    tally = campaign(FAULTS, SEED, undisturbed())
    assert tally.faults.total() == FAULTS and tally.clean, str(tally)
    assert len(tally.faults) >= 4  # kinds
