# SPDX-License-Identifier: Apache-2.0
"""Contracts 6 and 7: processes and interruptions do not change a run."""

import contract
import pytest
import torch
import torch.multiprocessing as mp
from mmengine.runner import Runner

VARIANTS = contract.variants()


def weights(runner):
    model = runner.model
    model = getattr(model, 'module', model)
    return {k: v.detach().clone() for k, v in model.state_dict().items()}


@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_resume_is_bit_exact(path, street_world, tmp_path):
    whole = contract.small_config(path, street_world, tmp_path / 'whole', 6)
    whole, _ = contract.run(whole)
    parts = contract.small_config(path, street_world, tmp_path / 'parts', 6)
    parts.default_hooks.checkpoint.interval = 3
    half = parts.copy()
    half.experiment_name += '_half'
    half.train_cfg.max_iters = 3
    contract.run(half)
    parts.train_cfg.max_iters = 6
    parts.resume = True
    parts, _ = contract.run(parts)
    assert parts.iter == 6
    assert contract.state_difference(weights(whole), weights(parts)) == []
    assert _optimizer_difference(whole, parts) == []


def _optimizer_difference(one: Runner, other: Runner) -> list[str]:
    def flat(state, prefix=''):
        if isinstance(state, dict):
            items = state.items()
        elif isinstance(state, (list, tuple)):
            items = enumerate(state)
        else:
            return {prefix: torch.as_tensor(state)}
        out = {}
        for key, value in items:
            if value is not None:
                out.update(flat(value, f'{prefix}.{key}'))
        return out

    return contract.state_difference(
        flat(one.optim_wrapper.state_dict()),
        flat(other.optim_wrapper.state_dict()),
    )


@pytest.mark.dist
@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_two_processes_equal_one(path, street_world, tmp_path):
    """1 process with batch 2N and 2 processes with batch N: one update."""
    cfg = contract.small_config(path, street_world, tmp_path / 'one')
    cfg = contract.without_batch_coupling(cfg)
    size, ratio = _halved(cfg)
    cfg.train_dataloader.batch_size = 2 * size
    cfg.train_dataloader.sampler.update(
        batch_size=2 * size, source_ratio=[2 * r for r in ratio]
    )
    one, _ = contract.run(cfg)
    one = weights(one)
    port = 29500 + (hash(str(tmp_path)) % 2000)
    arguments = (path, street_world, tmp_path, port)
    mp.spawn(_train_rank, arguments, nprocs=2)
    ranks = [
        torch.load(tmp_path / f'rank{rank}.pt', weights_only=True)
        for rank in (0, 1)
    ]
    assert contract.state_difference(*ranks) == []
    for name, value in one.items():
        if value.is_floating_point():
            torch.testing.assert_close(
                ranks[0][name], value, rtol=2e-4, atol=2e-5, msg=name
            )


def _halved(cfg):
    sampler = cfg.train_dataloader.sampler
    if len(sampler.source_ratio) == 1:
        return max(1, sampler.batch_size // 2), [
            max(1, sampler.batch_size // 2)
        ]
    return sampler.batch_size, sampler.source_ratio


def _train_rank(rank, path, street_world, tmp_path, port):
    import os

    import mmseg_da  # noqa: F401
    from mmseg_da.engine import prepare_launcher

    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
    cfg = contract.small_config(path, street_world, tmp_path / 'two')
    cfg = contract.without_batch_coupling(cfg)
    size, ratio = _halved(cfg)
    cfg.train_dataloader.batch_size = size
    cfg.train_dataloader.sampler.update(batch_size=size, source_ratio=ratio)
    prepare_launcher(cfg, 'pytorch')
    runner, _ = contract.run(cfg)
    torch.save(weights(runner), tmp_path / f'rank{rank}.pt')
    torch.distributed.destroy_process_group()
