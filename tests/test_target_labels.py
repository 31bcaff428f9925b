# SPDX-License-Identifier: Apache-2.0
"""Contract 4: target training labels are never read."""

import shutil

import contract
import pytest

UNSUPERVISED = [
    path
    for path in contract.CONFIGS
    if 'target_labeled' not in contract.config_branches(path)
]


@pytest.mark.parametrize('path', UNSUPERVISED, ids=lambda p: p.stem)
def test_training_runs_without_target_labels(path, street_world, tmp_path):
    data = tmp_path / 'data'
    shutil.copytree(street_world, data)
    shutil.rmtree(data / 'cityscapes/gtFine/train')
    shutil.rmtree(data / 'camvid/trainannot')
    cfg = contract.small_config(path, data, tmp_path / 'run', iters=1)
    _, recorder = contract.run(cfg)
    assert len(recorder.logs) == 1
