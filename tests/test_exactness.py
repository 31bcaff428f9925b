# SPDX-License-Identifier: Apache-2.0
"""Contracts 6 and 7: processes and interruptions do not change a run."""

import contract
import exactness_ranks
import pytest
import states
import torch
import two_ranks

VARIANTS = contract.variants()


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
    weights = states.weights(whole), states.weights(parts)
    assert states.state_difference(*weights) == []
    assert states.optimizer_difference(whole, parts) == []


@pytest.mark.dist
@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_two_processes_equal_one(path, street_world, tmp_path):
    """1 process with batch 2N and 2 processes with batch N: one update."""
    one = exactness_ranks.run(
        exactness_ranks.config(path, street_world, tmp_path / 'one', 2)
    )
    one = states.weights(one)
    port = two_ranks.port_of(tmp_path)
    arguments = (path, street_world, tmp_path, port)
    two_ranks.start(exactness_ranks.train, *arguments)
    ranks = [
        torch.load(tmp_path / f'rank{rank}.pt', weights_only=True)
        for rank in (0, 1)
    ]
    assert states.state_difference(*ranks) == []
    for name, value in one.items():
        if value.is_floating_point():
            torch.testing.assert_close(
                ranks[0][name],
                value,
                rtol=2e-4,
                atol=2e-5,
                msg=lambda text, name=name: f'{name}: {text}',
            )
