# SPDX-License-Identifier: Apache-2.0
"""The sweep and the contracts of the depth configs."""

import math

import contract
import pytest
import states
import torch
import two_ranks
from mmengine.runner import Runner

from mmseg_da.engine import prepare_launcher
from mmseg_da.uda.methods import DepthStudent, MonoDepth
from mmseg_da.utils.config_file_keys import refuse_misspelt_keys

NAMES = ('sde-depth_swc', 'sde-depth-phase2_cs', 'sde-depth-student_swc')
VARIANTS = [p for p in contract.DEPTH_CONFIGS if p.stem in NAMES]
TERMS = {
    MonoDepth: {'loss_photometric', 'loss_smooth'},
    DepthStudent: {'loss_berhu'},
}


@pytest.fixture
def data(request, path):
    """Students read disparities, the others video."""
    name = 'street_world' if 'student' in path.stem else 'street_video'
    return request.getfixturevalue(name)


@pytest.mark.parametrize('path', contract.DEPTH_CONFIGS, ids=lambda p: p.stem)
def test_two_iterations_and_a_validation(path, data, tmp_path):
    cfg = contract.small_config(path, data, tmp_path)
    refuse_misspelt_keys(cfg, str(path))
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    runner = Runner.from_cfg(cfg)
    recorder = contract.Recorder()
    runner.register_hook(recorder)
    model = runner.model
    with contract.watch_gradients(model) as updated:
        runner.train()
    assert len(recorder.logs) == 2
    for entry in recorder.logs:
        kinds = {k.rpartition('.')[2] for k in entry if 'loss_' in k}
        assert kinds >= TERMS[type(model)]
        assert all(math.isfinite(value) for value in entry.values()), entry
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trainable - updated == set(model.unused_parameters)
    frozen = [n for n, _ in model.named_parameters() if n not in trainable]
    assert all('encoder' in name for name in frozen)
    errors = runner.message_hub.get_scalar('val/depth/abs_rel').current()
    assert 0 < errors < 1e3
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=False)
    assert set(saved['state_dict']) == set(model.state_dict())


def test_names_are_listed():
    text = (contract.REPO / 'configs/methods/metafile.yml').read_text('utf-8')
    for path in contract.DEPTH_CONFIGS:
        assert f'Name: {path.stem}\n' in text


@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_resume_is_bit_exact(path, data, tmp_path):
    whole, _ = contract.run(
        contract.small_config(path, data, tmp_path / 'one', 4)
    )
    parts = contract.small_config(path, data, tmp_path / 'two', 4)
    parts.default_hooks.checkpoint.interval = 2
    half = parts.copy()
    half.experiment_name += '_half'
    half.train_cfg.max_iters = 2
    contract.run(half)
    parts.train_cfg.max_iters = 4
    parts.resume = True
    parts, _ = contract.run(parts)
    weights = states.weights(whole), states.weights(parts)
    assert states.state_difference(*weights) == []
    assert states.optimizer_difference(whole, parts) == []


@pytest.mark.dist
@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_two_processes_equal_one(path, data, tmp_path):
    cfg = _decoupled(path, data, tmp_path / 'one', 4)
    one, _ = contract.run(cfg)
    one = states.weights(one)
    port = two_ranks.port_of(tmp_path)
    two_ranks.start(_train_rank, path, data, tmp_path, port)
    ranks = [
        torch.load(tmp_path / f'rank{rank}.pt', weights_only=True)
        for rank in (0, 1)
    ]
    assert states.state_difference(*ranks) == []
    for name, value in one.items():
        if value.is_floating_point():
            torch.testing.assert_close(
                ranks[0][name], value, rtol=2e-4, atol=2e-5, msg=name
            )


def _decoupled(path, root, work_dir, batch):
    cfg = contract.without_batch_coupling(
        contract.small_config(path, root, work_dir)
    )
    # Adam's first steps are signs of gradients; SGD shows their size.
    for member in cfg.optim_wrapper.values():
        if isinstance(member, dict):
            member.optimizer = dict(type='SGD', lr=1e-3)
    cfg.train_dataloader.batch_size = batch
    cfg.train_dataloader.sampler.update(batch_size=batch, source_ratio=[batch])
    return cfg


def _train_rank(rank, path, root, tmp_path, port):
    two_ranks.join_launcher(rank, port)
    cfg = _decoupled(path, root, tmp_path / 'two', 2)
    prepare_launcher(cfg, 'pytorch')
    runner, _ = contract.run(cfg)
    torch.save(states.weights(runner), tmp_path / f'rank{rank}.pt')
    torch.distributed.destroy_process_group()
