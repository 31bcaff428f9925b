# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmseg_da import compat
from mmseg_da.diagnostics import (
    Check,
    environment,
    environment_checks,
    exit_code,
    render_json,
    render_table,
)

GIB = 1024**3
DOCTOR = Path(__file__).resolve().parents[2] / 'tools' / 'doctor.py'


def by_name(checks, name):
    return [check for check in checks if check.name == name]


def test_this_machine_can_run(load_tool, capsys, tmp_path):
    code = load_tool('doctor').main(['--data-root', str(tmp_path)])
    out = capsys.readouterr().out
    assert code == 0
    for name in ('python', 'torch', 'torchvision', 'stack', 'gpu', 'memory'):
        assert name in out
    assert 'data root' in out


def test_json_names_the_failure(load_tool, capsys, tmp_path):
    missing = tmp_path / 'none'
    code = load_tool('doctor').main(['--json', '--data-root', str(missing)])
    report = json.loads(capsys.readouterr().out)
    assert code == 1
    assert report['ok'] is False
    failed = [c for c in report['checks'] if c['status'] == 'fail']
    assert [c['name'] for c in failed] == ['data root']
    assert str(missing) in failed[0]['value']
    assert 'mkdir -p' in failed[0]['advice']


def test_every_problem_has_advice(monkeypatch):
    problem = compat.Problem('broken', 'mend it')
    monkeypatch.setattr(compat, 'torch_problem', lambda: problem)
    monkeypatch.setattr(compat, 'torchvision_problem', lambda: problem)
    monkeypatch.setattr(compat, 'stack_problems', lambda: [problem])
    checks = environment_checks()
    for name in ('torch', 'torchvision', 'stack'):
        (check,) = by_name(checks, name)
        assert (check.status, check.value, check.advice) == (
            'fail',
            'broken',
            'mend it',
        )
    for check in checks:
        assert check.advice or check.status == 'ok'


def test_little_disk(monkeypatch, tmp_path):
    usage = SimpleNamespace(free=0.5 * GIB)
    monkeypatch.setattr(environment.shutil, 'disk_usage', lambda _: usage)
    (check,) = environment.check_folder('data root', tmp_path)
    assert check.status == 'fail'
    assert '0.5 GiB free' in check.value
    usage.free = 5 * GIB
    assert environment.check_folder('x', tmp_path)[0].status == 'warn'


def test_no_write_permission(monkeypatch, tmp_path):
    def refuse(**_):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(environment.tempfile, 'TemporaryFile', refuse)
    check = environment.check_folder('data root', tmp_path)[-1]
    assert check.status == 'fail'
    assert 'Permission denied' in check.value


def test_driver_without_usable_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(environment, '_driver_version', lambda: '570.1')
    check = environment.check_gpu()
    assert check.status == 'warn'
    assert '570.1' in check.value and 'sees no GPU' in check.value


def test_gpu_names_and_memory(monkeypatch):
    device = SimpleNamespace(name='Big GPU', total_memory=80 * GIB)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(
        torch.cuda, 'get_device_properties', lambda index: device
    )
    monkeypatch.setattr(environment, '_driver_version', lambda: '570.1')
    check = environment.check_gpu()
    assert check.status == 'ok'
    assert check.value.startswith('2: Big GPU 80 GiB; Big GPU 80 GiB')


@pytest.mark.skipif(os.name != 'posix', reason='needs a shell script')
def test_driver_version_is_read(monkeypatch, tmp_path):
    program = tmp_path / 'nvidia-smi'
    program.write_text('#!/bin/sh\necho 570.133.20\necho 570.133.20\n')
    program.chmod(0o755)
    monkeypatch.setattr(shutil, 'which', lambda name: str(program))
    assert environment._driver_version() == '570.133.20'
    program.write_text('#!/bin/sh\nexit 9\n')
    assert environment._driver_version() is None


def test_missing_optional_package(monkeypatch):
    packages = {'no-such-package-here': 'pictures'}
    monkeypatch.setattr(environment, 'OPTIONAL_PACKAGES', packages)
    (check,) = environment.check_optional()
    assert check.status == 'warn'
    assert 'no pictures' in check.value


def test_exit_code_and_renderings(monkeypatch):
    checks = [
        Check('a', 'ok', 'fine [bold]'),
        Check('b', 'warn', 'hm', 'do x'),
    ]
    assert exit_code(checks) == 0
    assert exit_code([*checks, Check('c', 'fail', 'bad', 'do y')]) == 1
    assert json.loads(render_json(checks))['checks'][1]['advice'] == 'do x'
    assert 'fine [bold]' in render_table(checks)
    monkeypatch.setitem(sys.modules, 'rich.console', None)
    assert render_table(checks).splitlines() == [
        'ok   a: fine [bold]',
        'warn b: hm',
        '     -> do x',
    ]


def test_works_where_the_stack_is_missing():
    program = (
        'import runpy, sys\n'
        "for name in ('mmseg', 'mmcv', 'mmengine'):\n"
        '    sys.modules[name] = None\n'
        "sys.argv = ['doctor.py', '--json']\n"
        f"runpy.run_path({str(DOCTOR)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, '-c', program],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    failed = [c for c in report['checks'] if c['status'] == 'fail']
    assert {c['name'] for c in failed} == {'stack'}
    assert 'mmseg is not installed' in failed[0]['value']
    assert 'pip install' in failed[0]['advice']
