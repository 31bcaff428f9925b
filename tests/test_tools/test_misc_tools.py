# SPDX-License-Identifier: Apache-2.0
"""browse_dataset, print_config and the way tools end."""

import cv2
import numpy as np
import pytest
from mmengine import Config
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

PALETTE = [[128, 64, 128], [0, 0, 142], [70, 130, 180]]


def test_browse_shows_every_branch(load_tool, tiny_config, tmp_path):
    out = tmp_path / 'browse'
    code = load_tool('misc/browse_dataset').main(
        [str(tiny_config), '--out', str(out), '--num', '2']
    )
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        '00000_source.png',
        '00002_target_strong.png',
        '00002_target_weak.png',
    ]
    source = cv2.imread(str(out / '00000_source.png'))
    # 40 columns (padded by the preprocessor) of image, then of overlay.
    assert source.shape == (24, 80, 3)
    np.testing.assert_array_equal(source[5, 5], (10, 100, 200))
    road = np.rint(
        0.4 * np.array((10, 100, 200)) + 0.6 * np.array(PALETTE[0][::-1])
    )
    np.testing.assert_array_equal(source[5, 40 + 5], road)
    assert not source[0, 40:].any()
    # Without labels: the image alone, its own mean and no channel swap.
    strong = cv2.imread(str(out / '00002_target_strong.png'))
    assert strong.shape == (24, 32, 3)
    np.testing.assert_array_equal(strong[5, 5], (10, 100, 200))


def test_browse_plain_split(load_tool, tiny_config, tmp_path):
    out = tmp_path / 'browse'
    argv = [str(tiny_config), '--out', str(out), '--split', 'val']
    assert load_tool('misc/browse_dataset').main(argv) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        '00000.png',
        '00001.png',
    ]
    # Labels stay at the original size; the small image follows them.
    assert cv2.imread(str(out / '00000.png')).shape == (24, 64, 3)


def test_browse_wrong_options(load_tool, tiny_config, tmp_path):
    tool = load_tool('misc/browse_dataset')
    argv = [str(tiny_config), '--out', str(tmp_path / 'x')]
    with pytest.raises(ValueError, match='test_dataloader is not set'):
        tool.main([*argv, '--split', 'test'])
    with pytest.raises(ValueError, match='--num 0: expected 1 or more'):
        tool.main([*argv, '--num', '0'])
    assert not (tmp_path / 'x').exists()


def test_choose_spreads_over_the_members(load_tool, tiny_config):
    tool = load_tool('misc/browse_dataset')
    config = Config.fromfile(tiny_config)
    init_default_scope('mmseg')
    built = tool.build_dataset(config, 'train')
    assert tool.choose(built, 1) == [0]
    assert tool.choose(built, 3) == [0, 1, 2]
    assert tool.choose(built, 99) == [0, 1, 2, 3]
    assert tool.choose(list(range(10)), 3) == [0, 3, 6]


def test_draw_keeps_an_unlabelled_image(load_tool):
    image = np.full((2, 2, 3), 7, np.uint8)
    tool = load_tool('misc/browse_dataset')
    assert tool.draw(image, SegDataSample(), PALETTE) is image


def test_print_config(load_tool, tiny_config, tmp_path, capsys):
    out = tmp_path / 'full.py'
    options = ['--cfg-options', 'model.segmentor.decode_head.channels=99']
    argv = [str(tiny_config), *options, '--out', str(out)]
    assert load_tool('misc/print_config').main(argv) == 0
    assert 'channels=99' in capsys.readouterr().out
    merged = Config.fromfile(out)
    assert merged.model.segmentor.decode_head.channels == 99
    with pytest.raises(FileNotFoundError, match=r'none\.py'):
        load_tool('misc/print_config').main([str(tmp_path / 'none.py')])


def test_user_errors_end_in_one_line(capsys, monkeypatch):
    from mmseg_da.utils.cli import exit_with

    def fail():
        raise ValueError('--num 0: expected 1 or more')

    with pytest.raises(SystemExit) as caught:
        exit_with(fail)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith('error: --num 0: expected 1 or more\n')
    with pytest.raises(SystemExit) as caught:
        exit_with(lambda: None)
    assert caught.value.code == 0
    monkeypatch.setenv('MMSEG_DA_DEBUG', '1')
    with pytest.raises(ValueError, match='--num 0'):
        exit_with(fail)
