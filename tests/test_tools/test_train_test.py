# SPDX-License-Identifier: Apache-2.0
"""tools/train.py and tools/test.py on a tiny plain EncoderDecoder."""

import importlib.util
import itertools
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_cityscapes import SIZE, write_config, write_frames

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
_runs = itertools.count()


def load(name):
    """Import a tool by its file; ``tools`` is no package."""
    spec = importlib.util.spec_from_file_location(
        f'_{name}_tool', TOOLS / f'{name}.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(tool, *argv):
    """Run a tool in process; loggers are global, so each run has a name."""
    name = f'experiment_name=tool_run_{next(_runs)}'
    return load(tool).main([*map(str, argv), '--cfg-options', name])


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Config, work directory and checkpoint of a two-iteration training."""
    folder = tmp_path_factory.mktemp('tiny')
    write_frames(folder / 'cs', 'train', 2, seed=0)
    write_frames(folder / 'cs', 'val', 3, seed=1)
    config = write_config(folder, folder / 'cs')
    work_dir = folder / 'work'
    assert call('train', config, '--work-dir', work_dir, '--seed', 3) == 0
    return config, work_dir, work_dir / 'iter_2.pth'


def weights(path):
    content = torch.load(path, weights_only=False)
    return content['state_dict'], content


def test_train_writes_a_checkpoint(tiny):
    _, work_dir, checkpoint = tiny
    _, content = weights(checkpoint)
    assert content['meta']['iter'] == 2
    assert content['meta']['seed'] == 3
    assert content['meta']['dataset_meta']['class_view'] == 'cityscapes19'
    assert not (work_dir / 'error.log').exists()


def test_resume_goes_on(tiny, tmp_path):
    config, work_dir, checkpoint = tiny
    moved = tmp_path / 'moved'
    shutil.copytree(work_dir, moved)
    code = call(
        'train', config, '--work-dir', moved, '--resume',
        '--cfg-options', 'train_cfg.max_iters=4',
    )  # fmt: skip
    assert code == 0
    assert weights(moved / 'iter_4.pth')[1]['meta']['iter'] == 4
    code = call(
        'train', config, '--work-dir', tmp_path / 'other',
        '--resume', checkpoint, '--cfg-options', 'train_cfg.max_iters=4',
    )  # fmt: skip
    assert code == 0
    assert not (tmp_path / 'other' / 'iter_2.pth').exists()


def test_scores_submission_and_json(tiny, tmp_path):
    config, _, checkpoint = tiny
    file, out = tmp_path / 'scores.json', tmp_path / 'out'
    code = call(
        'test', config, checkpoint, '--work-dir', tmp_path / 'work',
        '--out', out, '--json', file, '--show-dir', tmp_path / 'show',
    )  # fmt: skip
    assert code == 0
    record = json.loads(file.read_text())
    metrics = record['metrics']
    assert metrics['cityscapes/mIoU'] == pytest.approx(
        metrics['mIoU'], abs=1e-6
    )
    assert record['images'] == 3
    assert record['class_view'] == 'cityscapes19'
    assert np.sum(record['confusion']) > 0 and len(record['classes']) == 19
    assert record['seconds'] > 0 and record['peak_rss_mib'] > 10
    assert (out / 'submission.zip').is_file()
    assert len(list((tmp_path / 'show').rglob('*.png'))) == 3


def test_format_only_needs_no_labels(tiny, tmp_path):
    """The benchmark's test split has images only."""
    config, _, checkpoint = tiny
    root = tmp_path / 'cs'
    images = Path(config).parent / 'cs' / 'leftImg8bit'
    shutil.copytree(images, root / 'leftImg8bit')
    other = write_config(tmp_path, root)
    out = tmp_path / 'out'
    for flags in ([], ['--tta']):
        code = call(
            'test', other, checkpoint, '--work-dir', tmp_path / 'work',
            '--format-only', '--out', out, *flags,
        )  # fmt: skip
        assert code == 0
    pngs = list((out / 'label_ids').glob('*.png'))
    assert len(pngs) == 3
    assert np.asarray(Image.open(pngs[0])).shape == SIZE


def test_tta_scores(tiny, tmp_path):
    config, _, checkpoint = tiny
    files = [tmp_path / 'plain.json', tmp_path / 'tta.json']
    for file, flags in zip(files, ([], ['--tta']), strict=True):
        code = call(
            'test', config, checkpoint, '--work-dir', tmp_path / 'work',
            '--json', file, *flags,
        )  # fmt: skip
        assert code == 0
    plain, tta = (json.loads(file.read_text()) for file in files)
    assert tta['tta'] and not plain['tta']
    assert tta['confusion'] != plain['confusion']
    assert np.sum(tta['confusion']) == np.sum(plain['confusion'])


def edited(checkpoint, path, change):
    content = torch.load(checkpoint, weights_only=False)
    change(content)
    torch.save(content, path)
    return path


def rename_view(content):
    content['meta']['dataset_meta']['class_view'] = 'cityscapes16'


def fewer_classes(content):
    content['meta'].pop('dataset_meta')
    state = content['state_dict']
    for key in ('weight', 'bias'):
        name = f'decode_head.conv_seg.{key}'
        state[name] = state[name][:11]


def drop_and_add(content):
    state = content['state_dict']
    state['extra.weight'] = state.pop('decode_head.conv_seg.bias')


def wrap(content):
    content['state_dict'] = {
        f'segmentor.{key}': value
        for key, value in content['state_dict'].items()
    }


@pytest.mark.parametrize(
    ('change', 'texts'),
    [
        (
            rename_view,
            [
                "trained with class_view='cityscapes16'",
                "has class_view='cityscapes19'",
            ],
        ),
        (
            fewer_classes,
            [
                'conv_seg.weight: checkpoint (11, 8, 1, 1), '
                'model (19, 8, 1, 1)',
                'number of classes differs',
            ],
        ),
        (
            drop_and_add,
            [
                '1 missing in the checkpoint:\n    decode_head.conv_seg.bias',
                '1 not in the model:\n    extra.weight',
            ],
        ),
        (wrap, ['... and ', 'tools/misc/export_segmentor.py']),
    ],
)
def test_checkpoint_that_does_not_fit(tiny, tmp_path, capsys, change, texts):
    config, _, checkpoint = tiny
    bad = edited(checkpoint, tmp_path / 'bad.pth', change)
    work_dir = tmp_path / 'work'
    assert call('test', config, bad, '--work-dir', work_dir) == 2
    error = capsys.readouterr().err
    for text in texts:
        assert text in error
    assert 'Traceback' not in error
    assert f'(traceback: {work_dir / "error.log"})' in error
    assert 'ValueError' in (work_dir / 'error.log').read_text()


def test_truncated_checkpoint(tiny, tmp_path, capsys):
    config, _, checkpoint = tiny
    bad = tmp_path / 'cut.pth'
    bad.write_bytes(checkpoint.read_bytes()[:1000])
    assert call('test', config, bad, '--work-dir', tmp_path / 'w') == 2
    assert f'{bad}: broken or truncated' in capsys.readouterr().err


def test_early_errors_of_test(tiny, tmp_path, capsys):
    config, _, checkpoint = tiny
    work = ['--work-dir', tmp_path / 'work']
    foreign = tmp_path / 'foreign'
    foreign.mkdir()
    (foreign / 'x').touch()
    no_tta = tmp_path / 'no_tta.py'
    no_tta.write_text(config.read_text().replace('tta_pipeline =', 'unused ='))
    no_test = tmp_path / 'no_test.py'
    no_test.write_text(f"_base_ = ['{config}']\ntest_evaluator = None\n")
    cases = [
        ([config, 'none.pth'], "checkpoint 'none.pth' does not exist"),
        ([config, checkpoint, '--format-only'], 'needs --out DIR'),
        ([config, checkpoint, '--out', foreign], 'is not empty and was not'),
        ([no_tta, checkpoint, '--tta'], 'the config has no tta_pipeline'),
        ([no_test, checkpoint], 'test_evaluator is not set'),
        (
            [config, checkpoint, '--show-dir', foreign / 'x'],
            '--show-dir: cannot write to',
        ),
    ]
    for argv, message in cases:
        assert call('test', *argv, *work) == 2
        assert message in capsys.readouterr().err


def test_early_errors_of_train(tiny, tmp_path, capsys):
    config, *_ = tiny
    (tmp_path / 'file').touch()
    work = ['--work-dir', tmp_path / 'work']
    near = config.with_name('tiny_sc.py')
    cases = [
        ([near, *work], "tiny_sc.py' does not exist. Nearest: "),
        ([tmp_path / 'file', *work], 'is not a .py file'),
        (
            [config, *work, '--cfg-options', 'train_cfg.max_iter=9'],
            'Nearest keys: train_cfg.max_iters',
        ),
        (
            [config, *work, '--resume', 'none.pth'],
            "'none.pth' does not",
        ),
        (
            [config, '--work-dir', tmp_path / 'file'],
            '--work-dir: cannot',
        ),
        ([config, '--work-dir', '/proc/none'], "'/proc/none'"),
    ]
    for argv, message in cases:
        assert call('train', *argv) == 2
        assert message in capsys.readouterr().err
    assert not list((tmp_path / 'work').glob('*.pth'))


@pytest.mark.skipif(torch.cuda.is_available(), reason='for machines without')
def test_amp_and_launcher_without_gpu(tiny, tmp_path, capsys):
    config, *_ = tiny
    work = ['--work-dir', tmp_path]
    assert call('train', config, *work, '--amp') == 2
    assert '--amp needs a CUDA device' in capsys.readouterr().err


def test_bugs_keep_their_traceback(tiny, tmp_path, monkeypatch):
    config, *_ = tiny
    argv = [config, '--work-dir', tmp_path, '--resume', 'none.pth']
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        call('train', *argv, '--debug')
    monkeypatch.setenv('MMSEG_DA_DEBUG', '1')
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        call('train', *argv)


def test_unknown_type_is_a_user_error(tiny, tmp_path, capsys):
    config, *_ = tiny
    code = call(
        'train', config, '--work-dir', tmp_path,
        '--cfg-options', 'model.decode_head.type=FCNHaed',
    )  # fmt: skip
    assert code == 2
    error = capsys.readouterr().err
    assert 'FCNHaed is not in the' in error and 'Traceback' not in error


def test_environment_is_checked_first(monkeypatch, capsys):
    tool = load('train')

    def broken():
        raise OSError('torchvision 0.29 belongs to torch 2.14')

    monkeypatch.setattr(tool, 'check_environment', broken)
    assert tool.main(['no_config.py']) == 2
    assert 'torchvision 0.29 belongs' in capsys.readouterr().err


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.mark.dist
def test_dist_test_on_two_processes(tiny, tmp_path):
    """dist_test.sh with gloo gives the scores of one process."""
    config, _, checkpoint = tiny
    env = {
        'PATH': f'{Path(sys.executable).parent}:/usr/bin:/bin',
        'PORT': str(free_port()),
        'OMP_NUM_THREADS': '1',
    }
    file = tmp_path / 'two.json'
    command = [
        TOOLS / 'dist_test.sh', config, checkpoint, '2', '--json', file,
        '--work-dir', tmp_path / 'two', '--out', tmp_path / 'out',
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)),
        env=env,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    single = tmp_path / 'one.json'
    code = call(
        'test', config, checkpoint, '--work-dir', tmp_path / 'one',
        '--json', single,
    )  # fmt: skip
    assert code == 0
    two, one = (json.loads(path.read_text()) for path in (file, single))
    assert two['confusion'] == one['confusion']
    assert two['metrics']['mIoU'] == one['metrics']['mIoU']
    assert two['metrics']['cityscapes/mIoU'] == pytest.approx(
        one['metrics']['mIoU'], abs=1e-6
    )
    assert len(list((tmp_path / 'out' / 'label_ids').iterdir())) == 3


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
