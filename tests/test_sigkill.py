# SPDX-License-Identifier: Apache-2.0
"""A run that is killed at a random moment ends as if it had not been."""

import os
import random
import signal
import subprocess
import sys
import time

import contract
import states
import torch

ITERS = 12


def start(config, work_dir, *arguments):
    command = [sys.executable, 'tools/train.py', str(config)]
    command += ['--work-dir', str(work_dir), *arguments]
    return subprocess.Popen(
        command,
        cwd=contract.REPO,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]


def final_weights(work_dir):
    file = work_dir / f'iter_{ITERS}.pth'
    return torch.load(file, weights_only=False)['state_dict']


def test_killed_and_resumed_run_ends_bit_equal(street_world, tmp_path):
    source = contract.REPO / 'configs/methods/source-only_swg2swc.py'
    cfg = contract.small_config(source, street_world, tmp_path / 'a', ITERS)
    for key in ('val_dataloader', 'val_evaluator', 'val_cfg'):
        cfg[key] = None
    cfg.default_hooks.checkpoint.interval = 2
    cfg.pop('experiment_name')
    config = tmp_path / 'run.py'
    cfg.dump(config)

    finish(start(config, tmp_path / 'a'))
    victim = start(config, tmp_path / 'b')
    seed = time.time_ns()
    print(f'kill at random.Random({seed})')
    moment = random.Random(seed)
    reached = 2 * moment.randrange(1, ITERS // 2)
    while not (tmp_path / f'b/iter_{reached}.pth').exists():
        assert victim.poll() is None, victim.communicate()[0][-3000:]
        time.sleep(0.01)
    time.sleep(moment.uniform(0, 0.5))
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    finish(start(config, tmp_path / 'b', '--resume'))

    whole, resumed = (
        final_weights(tmp_path / 'a'),
        final_weights(tmp_path / 'b'),
    )
    assert states.state_difference(whole, resumed) == []
