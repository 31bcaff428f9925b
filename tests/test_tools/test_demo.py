# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_da.demo_run import DemoSettings, Plan, folder_lock
from mmseg_da.demo_run.plan import REPO


@pytest.fixture
def demo(load_tool):
    return load_tool('demo')


def test_rows_begin_with_the_floor_and_end_with_the_ceiling(demo):
    assert demo.METHODS[0].name == 'source-only'
    assert demo.METHODS[-1].name == 'oracle'
    for method in demo.METHODS:
        cfg = Config.fromfile(REPO / method.config_file)
        assert cfg.class_view == demo.CLASS_VIEW


def test_commands_of_the_report_are_those_that_ran(demo, monkeypatch):
    args = demo.parse_args(['--iters', '8', '--val', '6'])
    out = Path.cwd() / 'demo'
    plan = Plan(DemoSettings(**{**vars(args), 'out': out}), demo.METHODS)
    text = demo.commands(plan)
    assert '--val 6' in text.splitlines()[0]
    assert '--iters 8' in text.splitlines()[0]
    assert str(Path.cwd()) not in text
    for method in demo.METHODS:
        assert f'tools/test.py {method.config_file}' in text
    assert text.count('tools/train.py') == len(plan.trained()) == 3


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--size', '256'], "'256' is not WIDTHxHEIGHT"),
        (['--out', '{file}/demo'], '--out: cannot write'),
    ],
)
def test_bad_options_are_one_line(demo, options, message, tmp_path, capsys):
    file = tmp_path / 'file'
    file.touch()
    options = [option.format(file=file) for option in options]
    options = ['--out', str(tmp_path / 'out'), *options]
    assert demo.main(options) == 2
    assert message in capsys.readouterr().err


def test_only_one_demo_works_in_a_folder(demo, tmp_path, capsys):
    with folder_lock(tmp_path):
        assert demo.main(['--out', str(tmp_path)]) == 2
    assert 'is in use by a demo' in capsys.readouterr().err


def test_numbers_must_be_positive(demo, capsys):
    with pytest.raises(SystemExit):
        demo.parse_args(['--workers', '0'])
    assert '0 is not >= 1' in capsys.readouterr().err
