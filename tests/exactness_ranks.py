# SPDX-License-Identifier: Apache-2.0
"""What one rank of ``test_exactness.py`` does; cheap to import in a rank."""

from __future__ import annotations

from pathlib import Path

import contract
import states
import torch
import two_ranks
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_da.engine import prepare_launcher


def config(path: Path, root: Path, work_dir: Path, factor: int) -> Config:
    """A config whose batch is ``factor`` times that of a rank."""
    cfg = contract.without_batch_coupling(
        contract.small_config(path, root, work_dir)
    )
    sampler = cfg.train_dataloader.sampler
    size, ratio = sampler.batch_size, sampler.source_ratio
    if len(ratio) == 1:
        size = max(1, size // 2)
        ratio = [size]
    size, ratio = factor * size, [factor * share for share in ratio]
    cfg.train_dataloader.batch_size = size
    sampler.update(batch_size=size, source_ratio=ratio)
    return cfg


def run(cfg: Config) -> Runner:
    """Train with kernels that treat every image alike.

    Those of oneDNN depend on the size of the batch, and their rounding with
    them: enough for a first step of Adam to turn around where a gradient is
    almost 0.
    """
    with torch.backends.mkldnn.flags(enabled=False):
        return contract.run(cfg)[0]


def train(
    rank: int, path: Path, root: Path, tmp_path: Path, port: int
) -> None:
    """Train as one of two ranks; leave the weights in ``rank<n>.pt``."""
    two_ranks.join_launcher(rank, port)
    cfg = config(path, root, tmp_path / 'two', 1)
    prepare_launcher(cfg, 'pytorch')
    runner = run(cfg)
    torch.save(states.weights(runner), tmp_path / f'rank{rank}.pt')
    torch.distributed.destroy_process_group()
