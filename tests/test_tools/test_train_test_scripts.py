# SPDX-License-Identifier: Apache-2.0
"""The shell scripts around tools/train.py and tools/test.py."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize('name', ['dist_train', 'dist_test', 'slurm_train'])
def test_executable_and_clean(name):
    script = TOOLS / f'{name}.sh'
    assert os.access(script, os.X_OK)
    if shutil.which('shellcheck') is None:
        pytest.skip('shellcheck is not installed')
    subprocess.run(['shellcheck', str(script)], check=True)


@pytest.mark.parametrize('name', ['dist_train', 'dist_test', 'slurm_train'])
def test_scripts_explain_themselves(name):
    script = TOOLS / f'{name}.sh'
    done = subprocess.run([str(script)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith('usage: [')


def test_slurm_command(tmp_path):
    """srun gets every word as it was given."""
    fake = tmp_path / 'srun'
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    done = subprocess.run(
        [
            str(TOOLS / 'slurm_train.sh'), 'gpu', 'my job', 'a b.py',
            '--cfg-options', 'x=[1, 2]',
        ],
        env={
            'PATH': f'{tmp_path}:/usr/bin:/bin',
            'GPUS': '2',
            'SRUN_ARGS': '--mem=8G --time=1:00',
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    words = done.stdout.splitlines()
    assert words[:3] == ['-p', 'gpu', '--job-name=my job']
    assert {'--gres=gpu:2', '--ntasks=2', '--mem=8G', '--time=1:00'} < {*words}
    assert words[-5:] == [
        'a b.py', '--launcher', 'slurm', '--cfg-options', 'x=[1, 2]',
    ]  # fmt: skip


def run_copy(folder, name, *arguments, **env):
    """Run a copy of a script; python, srun and .venv/bin/python echo."""
    (folder / 'tools').mkdir(exist_ok=True)
    script = shutil.copy(TOOLS / f'{name}.sh', folder / 'tools')
    for echo in ('python', 'srun'):
        write_echo(folder / 'bin' / echo)
    path = f'{folder}/bin:/usr/bin:/bin'
    done = subprocess.run(
        [script, *arguments],
        env={'PATH': path, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def write_echo(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('#!/bin/sh\necho "$0" "$@"\n')
    file.chmod(0o755)


@pytest.mark.parametrize(
    ('name', 'arguments'),
    [
        ('dist_train', ['a.py', '2']),
        ('dist_test', ['a.py', 'b.pth', '2']),
        ('slurm_train', ['gpu', 'job', 'a.py']),
    ],
)
def test_python_of_the_clone_is_preferred(tmp_path, name, arguments):
    own = f'{tmp_path}/tools/../.venv/bin/python'

    def python(**env):
        words = run_copy(tmp_path, name, *arguments, **env)
        return next(word for word in words if word.endswith('python'))

    assert python() in ('python', f'{tmp_path}/bin/python')
    write_echo(tmp_path / '.venv/bin/python')
    assert python() == own
    write_echo(tmp_path / 'other-python')
    chosen = str(tmp_path / 'other-python')
    assert python(PYTHON=chosen) == chosen
