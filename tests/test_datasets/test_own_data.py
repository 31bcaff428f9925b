# SPDX-License-Identifier: Apache-2.0
"""The documented example of own data, on a re-arranged StreetWorld."""

import contract
import numpy as np
import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.custom import table_decoder
from mmseg_da.diagnostics.data import ReadOptions, data_checks

EXAMPLE = contract.REPO / 'docs/examples/own_data.py'


def write_colors(label, table, palette, path):
    """A colour PNG of a file of ids."""
    lut = np.zeros((256, 3), np.uint8)
    for raw, color in table.items():
        if color is not None:
            lut[raw] = palette[color]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(lut[np.array(Image.open(label))]).save(path)


@pytest.fixture
def own(street_world, tmp_path, monkeypatch):
    """Folders as in the example; returns their root."""
    root = tmp_path / 'own'
    monkeypatch.setenv('OWN_SOURCE_ROOT', str(root / 'source'))
    monkeypatch.setenv('OWN_TARGET_ROOT', str(root / 'target'))
    example = Config.fromfile(EXAMPLE)
    palette = dict(zip(example.classes, example.palette, strict=True))
    for folder in ('source/photos', 'source/masks', 'target/train'):
        (root / folder).mkdir(parents=True)
    for image in (street_world / 'gta/images').iterdir():
        path = root / f'source/photos/{image.stem}.jpg'
        Image.open(image).save(path, quality=95)
        mask = root / f'source/masks/{image.stem}_mask.png'
        label = street_world / f'gta/labels/{image.name}'
        mask.write_bytes(label.read_bytes())
    table = dict(example.source_table)
    for split in ('train', 'val'):
        folder = street_world / f'cityscapes/leftImg8bit/{split}'
        for number, image in enumerate(sorted(folder.rglob('*.png'))):
            stem = f'{split}_{number:03d}'
            path = root / f'target/{split}/{stem}.png'
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(image.read_bytes())
            name = str(image).replace('leftImg8bit', 'gtFine')
            label = name.replace('_gtFine.png', '_gtFine_labelIds.png')
            if split == 'val' or number < 2:
                colors = root / f'target/{split}_colors/{stem}.png'
                write_colors(label, table, palette, colors)
    (root / 'target/labelled.txt').write_text('train_000\ntrain_001\n')
    return root


def config(street_world, tmp_path, *members):
    cfg = contract.small_config(EXAMPLE, street_world, tmp_path / 'run')
    if members:
        loader = cfg.train_dataloader
        loader.dataset.datasets = [cfg[name] for name in members]
        loader.sampler.source_ratio = [4 // len(members)] * len(members)
    return cfg


def test_example_trains_and_validates(own, street_world, tmp_path):
    runner, recorder = contract.run(
        config(street_world, tmp_path), validate=True
    )
    assert len(recorder.logs) == 2
    assert 0 <= runner.message_hub.get_scalar('val/mIoU').current() <= 100


def test_doctor_is_content(own):
    checks = data_checks(str(EXAMPLE), ReadOptions(full=True))
    assert [c for c in checks if c.status != 'ok'] == []
    values = {c.name: c.value for c in checks}
    assert '5 of 5 classes of own-source' in values['train[0]: labels']
    assert '5 of 5 classes of own-val' in values['val+test: labels']


def test_few_labels_and_unlabelled_target_train(own, street_world, tmp_path):
    cfg = config(
        street_world, tmp_path, 'source_train', 'target_labeled_train'
    )
    assert len(DATASETS.build(cfg.target_labeled_train)) == 2
    _, recorder = contract.run(cfg)
    assert {'source.decode.loss_ce', 'target_labeled.decode.loss_ce'} <= set(
        recorder.logs[0]
    )


def test_target_without_any_label_folder_trains(own, street_world, tmp_path):
    for path in (own / 'target/train_colors').iterdir():
        path.unlink()
    (own / 'target/train_colors').rmdir()
    cfg = config(street_world, tmp_path, 'source_train', 'target_train')
    _, recorder = contract.run(cfg)
    assert len(recorder.logs) == 2


def test_color_labels_are_the_classes(own, street_world, tmp_path):
    """Ids of the source and colours of the target mean the same."""
    cfg = config(street_world, tmp_path)
    dataset = DATASETS.build(
        {**cfg.val_dataloader.dataset, 'pipeline': cfg.load_labelled}
    )
    raw = sorted((street_world / 'cityscapes/gtFine/val').rglob('*labelIds*'))
    names = dict(cfg.source_table)
    for index, path in enumerate(raw):
        ids = np.array(Image.open(path))
        got = dataset[index]['gt_seg_map']
        for value in np.unique(ids):
            name = names[int(value)]
            want = 255 if name is None else cfg.classes.index(name)
            assert (got[ids == value] == want).all()


def test_color_outside_the_table_names_file_and_mend(
    own, street_world, tmp_path
):
    path = own / 'target/val_colors/val_000.png'
    image = np.array(Image.open(path))
    image[0, 0] = 1, 2, 3
    Image.fromarray(image).save(path)
    rows = data_checks(str(EXAMPLE), ReadOptions(full=True))
    (row,) = [c for c in rows if c.status == 'fail']
    for text in (str(path), 'colour (1, 2, 3)', 'Complete raw_labels'):
        assert text in row.value


@pytest.mark.parametrize('table', [7, 'road'])
def test_a_table_that_is_no_list(table):
    with pytest.raises(ValueError, match=r'raw_labels=.* is no list of pairs'):
        table_decoder(table, get_class_view('cityscapes19'), 'index8', 'own')
