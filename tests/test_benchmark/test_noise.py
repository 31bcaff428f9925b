# SPDX-License-Identifier: Apache-2.0
import pytest
from benchmark_records import make_record, save
from scipy import stats

from mmseg_da.benchmark.noise import measure_noise
from mmseg_da.benchmark.rows import read_rows


def noise_of(folder):
    return measure_noise('swg2swc', read_rows(folder)['swg2swc'])


def test_pooled_deviation_by_hand(records):
    noise = noise_of(records)
    # Deviations 0, 2, 0 with 2 degrees of freedom each: sqrt(8 / 6).
    assert noise.freedom == 6
    assert noise.pooled_std == pytest.approx((8 / 6) ** 0.5)
    expected = stats.t.ppf(0.975, 6) * (8 / 6) ** 0.5 * (2 / 3) ** 0.5
    assert noise.least_difference(3) == pytest.approx(expected)


def test_same_seed_twice_equal(records):
    record = make_record('source-only_swg2swc', 0, 40, 20, repeat=1)
    save(records, record)
    (repeat,) = noise_of(records).repeats
    assert repeat.equal
    text = 'source-only: seed 0 run 2 times: equal confusion matrices.'
    assert noise_of(records).lines()[0] == text


def test_same_seed_twice_different(records):
    save(records, make_record('source-only_swg2swc', 0, 42, 20, repeat=1))
    (repeat,) = noise_of(records).repeats
    assert not repeat.equal
    assert repeat.scores.span == pytest.approx(1.0)
    assert repeat.class_span == pytest.approx(2.0)
    assert (
        'differs by 1.00, a class by up to 2.00'
        in (noise_of(records).lines()[0])
    )


def test_one_seed_tells_no_noise(tmp_path):
    save(tmp_path, make_record('source-only_swg2swc'))
    noise = noise_of(tmp_path)
    assert noise.pooled_std is None
    assert noise.least_difference(3) is None
    assert '--repeat-seed 0' in noise.lines()[0]
    assert 'the noise is unknown' in noise.lines()[-1]
