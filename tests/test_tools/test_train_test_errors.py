# SPDX-License-Identifier: Apache-2.0
"""What the tools say about bad input, and that it is one screen."""

import re

import pytest
import torch
from tool_calls import TOOLS, call, load, train_tiny

REPO = TOOLS.parent


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp('tiny'))


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


@pytest.mark.parametrize(
    ('option', 'name', 'nearest', 'docs'),
    [
        ('model.type=SCA', 'SCA', 'SAC', 'configs/methods/README.md'),
        ('model.type=mmseg.advnet', 'mmseg.advnet', 'ADVENT', 'docs/arch'),
        ('model.decode_head.type=FCNHaed', 'FCNHaed', 'FCNHead', 'docs/arch'),
        (
            'train_dataloader.dataset.type=CityscapesRaw',
            'CityscapesRaw',
            'CityscapesRawDataset',
            'docs/data.md',
        ),
    ],
)
def test_unknown_type_is_a_user_error(
    tiny, tmp_path, capsys, option, name, nearest, docs
):
    config, *_ = tiny
    work = ['--work-dir', tmp_path]
    assert call('train', config, *work, '--cfg-options', option) == 2
    error = capsys.readouterr().err.split('error: ')[-1]
    assert error.startswith(f'{config}: {name} is not in the mmseg::')
    assert re.search(f'Nearest: .*{nearest}[,.]', error) and docs in error
    assert 'Traceback' not in error and 'mmengine' not in error
    assert (REPO / 'configs/methods/README.md').is_file()


def test_environment_is_checked_first(monkeypatch, capsys):
    tool = load('train')

    def broken():
        raise OSError('torchvision 0.29 belongs to torch 2.14')

    monkeypatch.setattr(tool, 'check_environment', broken)
    assert tool.main(['no_config.py']) == 2
    assert 'torchvision 0.29 belongs' in capsys.readouterr().err
