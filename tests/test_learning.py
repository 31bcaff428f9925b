# SPDX-License-Identifier: Apache-2.0
"""A few hundred iterations move what they should (slow, minutes)."""

import contract
import numpy as np
import pytest

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings

ITERS = 200


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('learning') / 'street_world'
    settings = WorldSettings(size=(128, 64), train=60, val=20)
    generate(root, ('gta', 'cityscapes'), settings, workers=2)
    return root


@pytest.fixture(scope='module')
def scores(world, tmp_path_factory):
    """Final validation mIoU and loss curve of each reference method."""
    result = {}
    for name in ('source-only_swg2swc', 'adabn_swg2swc', 'oracle_swc'):
        path = contract.REPO / f'configs/methods/{name}.py'
        work_dir = tmp_path_factory.mktemp(name)
        cfg = contract.small_config(path, world, work_dir, ITERS)
        for hook in cfg.get('custom_hooks', []):
            hook.update(interval=ITERS, num_images=40)
        runner, recorder = contract.run(cfg, validate=True)
        miou = runner.message_hub.get_scalar('val/mIoU').current()
        result[name] = miou, [entry['loss'] for entry in recorder.logs]
    return result


@pytest.mark.slow
def test_the_oracle_learns(scores):
    miou, losses = scores['oracle_swc']
    assert np.mean(losses[-20:]) < 0.6 * np.mean(losses[:20])
    assert miou > 15  # always-road scores below 2


@pytest.mark.slow
def test_the_rows_are_in_order(scores):
    floor, control, ceiling = (
        scores[name][0]
        for name in ('source-only_swg2swc', 'adabn_swg2swc', 'oracle_swc')
    )
    assert ceiling > floor + 4
    assert ceiling > control


@pytest.mark.slow
def test_adabn_trains_the_very_weights_of_source_only(scores):
    assert scores['adabn_swg2swc'][1] == scores['source-only_swg2swc'][1]
