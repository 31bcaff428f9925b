# SPDX-License-Identifier: Apache-2.0
import pytest

from mmseg_da.uda.ramp import WeightRamp


def test_grows_linearly_then_stays():
    ramp = WeightRamp(4)
    assert [ramp().item() for _ in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]


def test_no_ramp():
    assert [WeightRamp()().item() for _ in range(2)] == [1, 1]


def test_goes_on_after_a_resume():
    first, second = WeightRamp(4), WeightRamp(4)
    first(), first()
    second.load_state_dict(first.state_dict())
    assert second().item() == 0.5


def test_negative_length():
    with pytest.raises(ValueError, match='model.ramp_iters=-1 must be >= 0'):
        WeightRamp(-1)
