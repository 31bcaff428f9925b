# SPDX-License-Identifier: Apache-2.0
"""A run that is killed, again and again, ends as if it had not been."""

import os
import random
import signal
import time

from fake_stages import INTERVAL, ITERS, checkpoint_of


def start(workshop, configs):
    """Run recipes in a child process that may be killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            workshop.run(*configs, seeds=[0, 1])
            code = 0
        finally:
            os._exit(code)
    return pid


def kill_after(pid, seconds):
    """Kill a process; True if it had ended by itself."""
    time.sleep(seconds)
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        assert status == 0
        return True
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def test_ten_kills_lose_at_most_a_checkpoint_interval_each(workshop):
    configs = [
        workshop.config(name, model={'width': width}, pause=0.05)
        for name, width in (('one_a2b', 1), ('two_a2b', 2))
    ]
    recipe = workshop.recipe(
        dict(name='train', kind='train', config='one_a2b.py'),
        dict(
            name='test', kind='test', config='two_a2b.py', checkpoint='train'
        ),
    )
    names = [*configs, recipe]
    seed = time.time_ns()
    print(f'moments of the kills: seed {seed}')  # shown after a failure
    moments = random.Random(seed)
    kills = 0
    for _ in range(10):
        pid = start(workshop, names)
        kills += not kill_after(pid, moments.uniform(0.05, 1.5))
    workshop.run(*names, seeds=[0, 1])

    records = sorted((workshop.root / 'records').glob('*.json'))
    assert len(records) == 6
    trained = [
        workshop.plan(c, seed=s).stages[0] for c in configs for s in (0, 1)
    ]
    done = [workshop.steps(stage) for stage in trained]
    for steps in done:
        assert set(steps) == set(range(1, ITERS + 1))
    lost = sum(len(steps) - ITERS for steps in done)
    assert lost <= kills * INTERVAL

    killed = {path.name: checkpoint_of(path) for path in records}
    workshop.root.rename(workshop.folder / 'killed')
    workshop.run(*names, seeds=[0, 1])
    unbroken = {path.name: checkpoint_of(path) for path in records}
    assert killed == unbroken


def test_a_killed_run_takes_its_stage_with_it(workshop):
    config = workshop.config(pause=30)
    pid = start(workshop, [config])
    plan = workshop.plan(config)
    steps = plan.stages[0].folder.work_dir / 'steps.txt'
    limit = time.monotonic() + 60
    while not steps.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    assert not kill_after(pid, 0)
    with plan.stages[0].folder.lock():  # free as soon as the child is gone
        pass


def test_a_kill_before_the_head_of_a_stage_was_written(workshop):
    config = workshop.config()
    folder = workshop.plan(config).stages[0].folder.path
    folder.mkdir(parents=True)
    (folder / '.stage.json.123.tmp').write_text('{"format": "mms')
    assert len(workshop.run(config)) == 1
