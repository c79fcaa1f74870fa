"""A few hundred malformed inputs. `make torture` tests more than ten thousand."""

from collections import Counter

import pytest

from tests.torture.run import torture
from tests.torture.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_malformed_input_is_accepted_or_refused_with_one_line(name, tmp_path):
    kinds = torture(TARGETS[name], 15 if TARGETS[name].slow else 40, tmp_path / "x")
    assert isinstance(kinds, Counter) and kinds.total() >= 10
    assert set(kinds) - {"accepted"}, f"nothing was refused: {kinds}"
