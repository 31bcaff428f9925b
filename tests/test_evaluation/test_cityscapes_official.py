# SPDX-License-Identifier: Apache-2.0
import os
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_cityscapes import SIZE, write_frames

from mmseg_da.evaluation import (
    cityscapes_official,
    score_cityscapes,
    score_cityscapes_pairs,
)


@pytest.fixture
def world(tmp_path):
    """Ground truth folder, and predictions of road with some car."""
    names = write_frames(tmp_path, 'val', 3, seed=0)
    pred = tmp_path / 'pred'
    pred.mkdir()
    for name in names:
        ids = np.full(SIZE, 7, np.uint8)
        ids[:, 32:] = 26
        Image.fromarray(ids).save(pred / f'{name}_pred_labelIds.png')
    return pred, tmp_path / 'gtFine' / 'val'


def test_by_hand(tmp_path):
    """road 4/6, sidewalk 0/2 (a category hit), void is not counted."""
    label = np.array([[7, 7, 7, 7], [8, 8, 0, 0]], np.uint8)
    pred = np.full((2, 4), 7, np.uint8)
    truth_file = tmp_path / 'ulm_000000_000019_gtFine_labelIds.png'
    pred_file = tmp_path / 'ulm_000000_000019_pred.png'
    Image.fromarray(label).save(truth_file)
    Image.fromarray(pred).save(pred_file)
    scores = score_cityscapes_pairs([(pred_file, truth_file)])
    assert scores == {
        'mIoU': pytest.approx(100 * (4 / 6) / 2),
        'category_mIoU': 100.0,
        'IoU.road': pytest.approx(100 * 4 / 6),
        'IoU.sidewalk': 0.0,
    }
    assert all(type(value) is float for value in scores.values())


def test_folder_with_instances(world):
    scores = score_cityscapes(*world)
    assert {'mIoU', 'nIoU', 'category_mIoU', 'category_nIoU'} <= set(scores)
    assert 0 < scores['mIoU'] < 100


def test_without_instance_files(world):
    with_instances = score_cityscapes(*world)
    next(world[1].rglob('*_instanceIds.png')).unlink()
    without = score_cityscapes(*world)
    assert 'nIoU' not in without and 'category_nIoU' not in without
    assert without['mIoU'] == with_instances['mIoU']


def test_nothing_global_changes(world, monkeypatch, capsys):
    monkeypatch.setenv('CITYSCAPES_EXPORT_DIR', '/no/such/folder')
    monkeypatch.delitem(
        sys.modules, cityscapes_official._MODULE, raising=False
    )
    environment, files = dict(os.environ), sorted(world[0].rglob('*'))
    first = score_cityscapes(*world)
    assert score_cityscapes(*world) == first
    assert dict(os.environ) == environment
    assert sorted(world[0].rglob('*')) == files
    assert capsys.readouterr().out == ''
    scripts = cityscapes_official.load_scripts()
    assert scripts.np is np
    assert scripts.args.predictionWalk is None
    assert scripts.args.JSONOutput is True


def test_missing_prediction(world):
    next(world[0].iterdir()).unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 predictions are mis'):
        score_cityscapes(*world)


def test_two_predictions(world):
    first = next(world[0].iterdir())
    copy = first.with_name(first.name.replace('_pred', '_color'))
    copy.write_bytes(first.read_bytes())
    with pytest.raises(ValueError, match='several predictions for'):
        score_cityscapes(*world)


def test_missing_folders(world, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pred_dir: no .*none'"):
        score_cityscapes(tmp_path / 'none', world[1])
    with pytest.raises(FileNotFoundError, match=r'gt_root: no .*Ids\.png'):
        score_cityscapes(world[0], world[0])
    with pytest.raises(ValueError, match='list of pairs is empty'):
        score_cityscapes_pairs([])


@pytest.mark.parametrize(
    ('pixels', 'message'),
    [
        (np.zeros((8, 8), np.uint8), 'widths of .* are not equal'),
        (np.zeros((*SIZE, 3), np.uint8), 'multiple channels'),
        (np.full(SIZE, 255, np.uint8), 'unknown label id'),
    ],
)
def test_refused_prediction(world, pixels, message):
    Image.fromarray(pixels).save(next(world[0].iterdir()))
    with pytest.raises(ValueError, match=f'official .*{message}'):
        score_cityscapes(*world)


def test_truncated_prediction(world):
    file = next(world[0].iterdir())
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(ValueError, match=r'official .*Unable to load'):
        score_cityscapes(*world)


def test_missing_dependency_is_named(world, monkeypatch):
    """Not "install cityscapesscripts" when something else is missing."""

    def refuse(name, *_, **__):
        raise ModuleNotFoundError("No module named 'pyquaternion'", name=name)

    monkeypatch.setattr(cityscapes_official.importlib, 'import_module', refuse)
    with pytest.raises(ImportError, match="No module named 'pyquaternion'"):
        score_cityscapes(*world)


@pytest.mark.parametrize(
    ('name', 'frame'),
    [
        ('ulm_000000_000019_leftImg8bit.png', 'ulm_000000_000019'),
        ('x/bad-aibling_1_2.png', 'bad-aibling_1_2'),
        ('0001TP_006690.png', None),
        ('ulm_000000_000019_leftImg8bit.jpg', None),
    ],
)
def test_frame_name(name, frame):
    if frame:
        assert cityscapes_official.frame_name(name) == frame
        return
    with pytest.raises(ValueError, match='not named like a Cityscapes file'):
        cityscapes_official.frame_name(name)
