# SPDX-License-Identifier: Apache-2.0
"""Decoding of label files and images."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict
from mmseg.apis.utils import _preprare_data

from mmseg_da.datasets import LoadRawLabels, LoadStreetImage
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.custom import table_decoder
from mmseg_da.datasets.label_decoding import get_label_decoder


def load(path, table='gta', view='cityscapes19', **extra):
    results = dict(
        seg_map_path=str(path), label_table=table, class_view=view, **extra
    )
    return LoadRawLabels()(results)


@pytest.mark.parametrize('kind', ['palette', 'grey'])
def test_palette_and_grey_files_hold_ids(raw_folders, tmp_path, kind):
    labels = raw_folders.labels(*range(35))
    getattr(raw_folders, kind)(tmp_path / 'a.png', labels)
    results = load(tmp_path / 'a.png')
    expected = get_class_view('cityscapes19').lut('gta')[labels]
    assert results['gt_seg_map'].dtype == np.uint8
    assert (results['gt_seg_map'] == expected).all()
    assert results['seg_fields'] == ['gt_seg_map']


def test_synthia_id_is_the_red_channel(raw_folders, tmp_path):
    labels = raw_folders.labels(*range(23))
    raw_folders.rgb16(tmp_path / 'a.png', labels)
    results = load(
        tmp_path / 'a.png', 'synthia', 'cityscapes16', label_encoding='rgb16'
    )
    expected = get_class_view('cityscapes16').lut('synthia')[labels]
    assert (results['gt_seg_map'] == expected).all()


def test_train_id_files_pass_unchanged(raw_folders, tmp_path):
    labels = raw_folders.labels(0, 18, 255, 7)
    raw_folders.grey(tmp_path / 'a.png', labels)
    results = load(tmp_path / 'a.png', label_format='train_ids')
    assert (results['gt_seg_map'] == labels).all()


def test_own_colour_table(raw_folders, tmp_path):
    rgb = np.array([(255, 0, 0), (0, 0, 255), (9, 8, 7)], np.uint8)
    choice = raw_folders.labels(0, 1, 2, 1)
    cv2.imwrite(str(tmp_path / 'a.png'), rgb[choice][:, :, ::-1])
    table = [((255, 0, 0), 'car'), ((0, 0, 255), 'road'), ((9, 8, 7), None)]
    decoder = table_decoder(
        table, get_class_view('cityscapes19'), 'index8', 'mine'
    )
    data = (tmp_path / 'a.png').read_bytes()
    expected = np.array([13, 0, 255])[choice]
    assert (decoder.decode(data, 'a.png') == expected).all()
    less = table_decoder(
        table[1:], get_class_view('cityscapes19'), 'index8', 'mine'
    )
    with pytest.raises(ValueError, match=r'colour \(255, 0, 0\) \(60 pixels'):
        less.decode(data, 'a.png')


def test_unknown_ids_are_named_and_counted(raw_folders, tmp_path):
    labels = raw_folders.labels(7, 26)
    labels[0, :3] = 40
    raw_folders.palette(tmp_path / 'a.png', labels)
    message = r'a\.png: ids unknown to raw gta labels: 40 \(3 px\); .*0\.\.34'
    with pytest.raises(ValueError, match=message):
        load(tmp_path / 'a.png')


def test_cityscapes_ids_in_a_synthia_folder(raw_folders, tmp_path):
    raw_folders.rgb16(tmp_path / 'a.png', raw_folders.labels(3, 26))
    with pytest.raises(ValueError, match='above 22 look like .*Cityscapes'):
        load(tmp_path / 'a.png', 'synthia', label_encoding='rgb16')


def test_id_34_is_no_cityscapes_id(raw_folders, tmp_path):
    raw_folders.grey(tmp_path / 'a.png', raw_folders.labels(34))
    with pytest.raises(ValueError, match='raw cityscapes labels: 34'):
        load(tmp_path / 'a.png', 'cityscapes')


def test_train_ids_above_the_classes(raw_folders, tmp_path):
    raw_folders.grey(tmp_path / 'a.png', raw_folders.labels(0, 19))
    with pytest.raises(ValueError, match=r'19 \(120 px\).*0\.\.18, 255'):
        load(tmp_path / 'a.png', label_format='train_ids')


def test_16_bit_ids_do_not_wrap_around(raw_folders, tmp_path):
    raw_folders.rgb16(tmp_path / 'a.png', raw_folders.labels(3, 259))
    with pytest.raises(ValueError, match=r'synthia labels: 259 \(120 px\)'):
        load(tmp_path / 'a.png', 'synthia', label_encoding='rgb16')


@pytest.mark.parametrize('table', ['gta', 'cityscapes', 'mapillary_v1'])
def test_colour_rendering_instead_of_ids(raw_folders, tmp_path, table):
    raw_folders.image(tmp_path / 'a.png')
    with pytest.raises(ValueError, match=r'is 8-bit RGB.*colour rendering'):
        load(tmp_path / 'a.png', table)


def test_8_bit_file_where_16_bit_is_due(raw_folders, tmp_path):
    raw_folders.grey(tmp_path / 'a.png', raw_folders.labels(3))
    with pytest.raises(ValueError, match=r'is 8-bit grey.*16-bit RGB'):
        load(tmp_path / 'a.png', 'synthia', label_encoding='rgb16')


def test_16_bit_file_where_8_bit_is_due(raw_folders, tmp_path):
    grey = np.full(raw_folders.size, 7000, np.uint16)
    cv2.imwrite(str(tmp_path / 'a.png'), grey)
    with pytest.raises(ValueError, match=r'is 16-bit grey.*instance'):
        load(tmp_path / 'a.png', 'cityscapes')


def test_size_mismatch_names_both_sizes(raw_folders, tmp_path):
    raw_folders.grey(tmp_path / 'a.png', raw_folders.labels(7))
    message = r'a\.png: label size 20x12 differs.* 40x24 .*skip_files=\[.007'
    with pytest.raises(ValueError, match=message):
        load(tmp_path / 'a.png', ori_shape=(24, 40), sample_stem='007')


def test_jpeg_labels_are_refused(raw_folders, tmp_path):
    raw_folders.image(tmp_path / 'a.jpg')
    with pytest.raises(ValueError, match='not a PNG file'):
        load(tmp_path / 'a.jpg')


@pytest.mark.parametrize('kind', ['palette', 'grey', 'rgb16'])
@pytest.mark.parametrize('keep', [0.3, 0.6, 0.97])
def test_truncated_label(raw_folders, tmp_path, kind, keep):
    path = tmp_path / 'a.png'
    getattr(raw_folders, kind)(path, raw_folders.labels(*range(20)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    encoding = 'rgb16' if kind == 'rgb16' else 'index8'
    with pytest.raises(ValueError, match=r'a\.png: .*(truncated|not a PNG)'):
        load(path, 'synthia', label_encoding=encoding)


def test_labels_are_required_unless_said_otherwise():
    results = dict(img_path='x.png')
    with pytest.raises(ValueError, match=r'x\.png has no seg_map_path'):
        LoadRawLabels()(dict(results))
    assert LoadRawLabels(required=False)(dict(results)) == results


def test_bad_decoder_settings():
    with pytest.raises(ValueError, match="label_format 'ids' is unknown"):
        get_label_decoder('gta', 'cityscapes19', label_format='ids')
    with pytest.raises(ValueError, match="encoding 'rgb' is unknown"):
        get_label_decoder('gta', 'cityscapes19', 'rgb')


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_image_is_bgr_with_its_shapes(raw_folders, tmp_path, suffix):
    path = tmp_path / f'a{suffix}'
    raw_folders.image(path)
    results = LoadStreetImage()(dict(img_path=str(path)))
    assert (results['img'] == cv2.imread(str(path))).all()
    assert results['img_shape'] == results['ori_shape'] == raw_folders.size
    as_float = LoadStreetImage(to_float32=True)(dict(img_path=str(path)))
    assert as_float['img'].dtype == np.float32


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('keep', [0.5, 0.99])
def test_truncated_image(raw_folders, tmp_path, suffix, keep):
    path = tmp_path / f'a{suffix}'
    raw_folders.image(path, (64, 96))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match='truncated or damaged'):
        LoadStreetImage()(dict(img_path=str(path)))


def test_flipped_bit_in_a_png(raw_folders, tmp_path):
    path = tmp_path / 'a.png'
    raw_folders.image(path, (64, 96))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match='checksum of a IDAT part'):
        LoadStreetImage()(dict(img_path=str(path)))


@pytest.mark.parametrize(
    ('data', 'error', 'message'),
    [
        (None, FileNotFoundError, 'no such file'),
        (b'', ValueError, '0 bytes'),
        (b'<html>not found</html>', ValueError, 'cannot be decoded'),
    ],
)
def test_no_image_at_all(tmp_path, data, error, message):
    path = tmp_path / 'a.png'
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=message):
        LoadStreetImage()(dict(img_path=str(path)))


def test_test_pipeline_works_in_inference_model(raw_folders, tmp_path):
    path = str(tmp_path / 'a.png')
    raw_folders.image(tmp_path / 'a.png')
    for image in (path, cv2.imread(path)):
        pipeline = [
            ConfigDict(type='LoadStreetImage'),
            ConfigDict(type='LoadRawLabels', required=False),
            ConfigDict(type='PackSegInputs'),
        ]
        model = SimpleNamespace(cfg=ConfigDict(test_pipeline=pipeline))
        data, _ = _preprare_data(image, model)
        assert data['inputs'][0].shape == (3, *raw_folders.size)
