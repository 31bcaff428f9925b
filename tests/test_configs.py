# SPDX-License-Identifier: Apache-2.0
"""The config sweep: every file in configs/methods, unedited by its author."""

import math

import contract
import pytest
import torch
from mmengine.runner import Runner

from mmseg_da.uda import BaseUDASegmentor


@pytest.mark.parametrize('path', contract.config_params())
def test_two_iterations_and_a_validation(path, street_world, tmp_path):
    cfg = contract.small_config(path, street_world, tmp_path)
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    runner = Runner.from_cfg(cfg)
    recorder = contract.Recorder()
    runner.register_hook(recorder)
    model = runner.model
    assert isinstance(model, BaseUDASegmentor)
    with contract.watch_gradients(model) as updated:
        runner.train()
    _check_losses(recorder.logs)
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trainable - updated == set(model.unused_parameters)
    scores = runner.message_hub.get_scalar('val/mIoU').current()
    assert 0 <= scores <= 100
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=False)
    assert set(saved['state_dict']) == set(model.state_dict())


def _check_losses(logs):
    assert len(logs) == 2
    for entry in logs:
        terms = [k for k in entry if k != 'loss' and 'loss' in k]
        assert terms, f'no loss term in {sorted(entry)}'
        assert all(math.isfinite(value) for value in entry.values()), entry
        assert entry['loss'] == pytest.approx(
            sum(entry[k] for k in terms), rel=1e-5
        )


def test_names_follow_the_house_rule():
    sources = ('gta', 'syn', 'synscapes', 'swg', 'sws')
    targets = ('cs', 'map7', 'camvid', 'swc', 'swm')
    for path in contract.CONFIGS:
        data = path.stem.split('_')[1].split('-')[0]
        source, _, target = data.rpartition('2')
        assert target in targets, path.name
        assert source in ('', *sources), path.name
