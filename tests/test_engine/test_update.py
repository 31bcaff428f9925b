# SPDX-License-Identifier: Apache-2.0
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper

from mmseg_da.engine import ArtifactStore, run_update_phases

HERE = Path(__file__).resolve().parent


def batch(toy, size=4):
    images = toy.Images()
    samples = [images[i] for i in range(size)]
    return {
        key: {
            branch: [sample[key][branch] for sample in samples]
            for branch in ('source', 'target')
        }
        for key in ('inputs', 'data_samples')
    }


def step(toy, model, **options):
    wrapper = build_optim_wrapper(model, ConfigDict(toy.optimizers(**options)))
    return model.train_step(batch(toy), wrapper)


def test_without_phases_all_branches_share_one_update(toy):
    model = toy.Toy(dropout=0.0)
    logs = step(toy, model)
    assert set(logs) == {
        'loss',
        'source.loss_ce',
        'target.loss_ent',
        'adv.loss_dis',
    }


def test_phases_equal_two_updates_in_turn(toy):
    phased = toy.Toy(dropout=0.0, phases=toy.PHASES)
    by_hand = toy.Toy(dropout=0.0)
    logs = step(toy, phased)
    wrapper = build_optim_wrapper(by_hand, ConfigDict(toy.optimizers()))
    data = by_hand.data_preprocessor(batch(toy))
    for branch in ('source', 'target'):
        part = {key: {branch: data[key][branch]} for key in data}
        loss, _ = by_hand.parse_losses(by_hand(**part, mode='loss'))
        wrapper.update_params(loss)
    torch.testing.assert_close(
        phased.state_dict(), by_hand.state_dict(), rtol=0, atol=0
    )
    assert set(logs) == {
        'loss',
        'first.loss',
        'second.loss',
        'source.loss_ce',
        'target.loss_ent',
        'first.adv.loss_dis',
        'second.adv.loss_dis',
    }
    assert logs['loss'] == logs['first.loss'] + logs['second.loss']


def test_a_missing_branch_is_named(toy):
    model = toy.Toy(phases={'flow': ('target_flow',)})
    with pytest.raises(ValueError, match=r"phase 'flow'.*\['target_flow'\]"):
        step(toy, model)


def test_phases_refuse_gradient_accumulation(toy):
    model = toy.Toy(phases=toy.PHASES)
    with pytest.raises(ValueError, match=r'accumulative_counts=2.*first'):
        step(toy, model, accumulative_counts=2)


def test_one_phase_may_accumulate(toy):
    model = toy.Toy(phases={'all': ('source', 'target')})
    logs = step(toy, model, accumulative_counts=2)
    assert 'loss' in logs and 'all.loss' not in logs


def test_any_callable_model_can_be_updated(toy):
    model = toy.Toy(dropout=0.0)
    wrapper = build_optim_wrapper(model, ConfigDict(toy.optimizers()))
    data = model.data_preprocessor(batch(toy))
    logs = run_update_phases(model, {}, data, wrapper, model.parse_losses)
    assert torch.isfinite(logs['loss'])


def launch(folder):
    """Run ``toy_run.py`` in two gloo processes."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    processes = []
    for rank in range(2):
        env = {
            **os.environ,
            'PYTHONPATH': str(HERE.parents[1]),
            'CUDA_VISIBLE_DEVICES': '',
            'OMP_NUM_THREADS': '1',
            'MASTER_ADDR': '127.0.0.1',
            'MASTER_PORT': str(port),
            'WORLD_SIZE': '2',
            'RANK': str(rank),
            'LOCAL_RANK': str(rank),
        }
        command = [sys.executable, str(HERE / 'toy_run.py'), str(folder)]
        processes.append(
            subprocess.Popen(
                command,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    try:
        outputs = [
            process.communicate(timeout=120)[0] for process in processes
        ]
    finally:
        for process in processes:
            process.kill()
    for process, output in zip(processes, outputs, strict=True):
        assert process.returncode == 0, output[-3000:]
    return [torch.load(folder / f'rank{rank}.pth') for rank in range(2)]


@pytest.mark.dist
def test_two_processes_equal_one(toy, tmp_path):
    ranks = launch(tmp_path)
    torch.testing.assert_close(
        ranks[0]['weights'], ranks[1]['weights'], rtol=0, atol=0
    )
    # Weights: 3 iterations of two phases, batch 4 against 2 x 2.
    model = toy.Toy(norm=False, dropout=0.0, phases=toy.PHASES)
    runner = toy.make_runner(
        tmp_path / 'single', model, max_iters=3, batch_size=4
    )
    runner.train()
    torch.testing.assert_close(
        model.state_dict(), ranks[0]['weights'], rtol=1e-12, atol=1e-12
    )
    # BatchNorm statistics of TargetBNHook, four batches against two each.
    normed = toy.make_runner(tmp_path / 'bn1', toy.Toy())
    toy.target_bn().estimate(normed)
    for rank in ranks:
        torch.testing.assert_close(
            normed.model.state_dict(), rank['norm'], rtol=1e-12, atol=1e-12
        )
    # The artefact both processes wrote.
    found = ArtifactStore(tmp_path / 'store').open(
        'flow', 'pairs', verify='full'
    )
    assert found.manifest['count'] == 6


def test_a_phase_without_entries_updates_nothing(toy):
    class Observing(toy.Toy):
        def forward(self, inputs, data_samples=None, mode='tensor'):
            if 'source' not in inputs:
                return {}
            return super().forward(inputs, data_samples, mode)

    observing = Observing(dropout=0.0, phases=toy.PHASES)
    plain = toy.Toy(dropout=0.0, phases={'first': toy.PHASES['first']})
    logs = step(toy, observing)
    assert set(logs) == set(step(toy, plain))
    assert logs['loss'] == logs['source.loss_ce'] + logs['adv.loss_dis']
    torch.testing.assert_close(
        observing.state_dict(), plain.state_dict(), rtol=0, atol=0
    )


def test_no_entry_at_all_is_an_error(toy):
    class Nothing(toy.Toy):
        def forward(self, inputs, data_samples=None, mode='tensor'):
            return {}

    for phases in (None, toy.PHASES):
        with pytest.raises(ValueError, match='nothing was trained'):
            step(toy, Nothing(phases=phases))
