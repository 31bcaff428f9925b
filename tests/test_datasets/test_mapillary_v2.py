# SPDX-License-Identifier: Apache-2.0
"""Vistas 2.0; its label names are those of mmseg's own dataset class."""

import json

import pytest
from mmseg.datasets import MapillaryDataset_v2

from mmseg_da.datasets.class_views import RAW_LABELS, get_class_view
from mmseg_da.datasets.mapillary import MapillaryRawDataset
from mmseg_da.datasets.mapillary_v2 import as_release_1, v2_decoder

NAMES = MapillaryDataset_v2.METAINFO['classes']
PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


def write_config(root, names=NAMES, file='config_v2.0.json'):
    labels = [{'name': f'x--{name}', 'readable': name} for name in names]
    (root / file).write_text(json.dumps({'labels': labels}))


@pytest.fixture
def release_2(raw_folders):
    root = raw_folders.root / 'vistas'
    raw_folders.image(root / 'training/images/abc.jpg')
    labels = raw_folders.labels(*range(len(NAMES)))
    raw_folders.palette(root / 'training/v2.0/labels/abc.png', labels)
    write_config(root)
    return root


def dataset(root, **options):
    options.setdefault('class_view', 'cityscapes19')
    return MapillaryRawDataset(
        data_root=str(root), pipeline=PIPELINE, **options
    )


@pytest.mark.parametrize('view', ['cityscapes19', 'vistas7'])
def test_own_labels(release_2, raw_folders, view):
    data = dataset(release_2, class_view=view)
    assert data.label_layout == 'release 2.0, labels 2.0'
    labels = raw_folders.labels(*range(len(NAMES)))
    found = data[0]['gt_seg_map']
    classes = get_class_view(view).classes
    by_name = {name: found[labels == i][0] for i, name in enumerate(NAMES)}
    expected = {
        'Road': ('road', 'flat'),
        'Lane Marking - Arrow (Left)': ('road', 'flat'),
        'Curb': ('sidewalk', 'construction'),
        'Person': ('person', 'human'),
        'Traffic Light - Pedestrians': ('traffic light', 'object'),
        'Traffic Sign (Front)': ('traffic sign', 'object'),
        'On Rails': ('train', 'vehicle'),
        'Terrain': ('terrain', 'flat'),
    }
    position = view == 'vistas7'
    for name, pair in expected.items():
        assert classes[by_name[name]] == pair[position], name
    for name in ('Bird', 'Road Shoulder', 'Traffic Sign - Ambiguous'):
        assert by_name[name] == 255
    # Every class that the labels of 1.2 feed is fed.
    fed = set(get_class_view(view).mapping('mapillary_v1').values())
    assert set(by_name.values()) - {255} == fed


@pytest.mark.parametrize(
    ('name', 'former'),
    [
        ('Traffic Sign - Direction (Back)', 'traffic sign (back)'),
        ('Traffic Sign Frame', 'traffic sign frame'),
        ('Lane Marking - Crosswalk', 'lane marking - crosswalk'),
        ('Lane Marking (only) - Test', 'lane marking - general'),
        ('Signage - Store', 'billboard'),
        ('Bus', 'bus'),
    ],
)
def test_names(name, former):
    assert as_release_1(name) == former


def test_labels_of_1_2_come_first(release_2, raw_folders):
    ids = raw_folders.labels(*range(66))
    raw_folders.palette(release_2 / 'training/v1.2/labels/abc.png', ids)
    data = dataset(release_2)
    assert data.label_layout == 'release 2.0'
    lut = get_class_view('cityscapes19').lut('mapillary_v1')
    assert (data[0]['gt_seg_map'] == lut[ids]).all()
    own = dataset(release_2, label_set='2.0')
    assert own.label_layout == 'release 2.0, labels 2.0'
    assert own[0]['gt_seg_map'].shape == ids.shape


def test_ids_above_the_table(release_2, raw_folders):
    labels = raw_folders.labels(0, 124)
    raw_folders.palette(release_2 / 'training/v2.0/labels/abc.png', labels)
    with pytest.raises(ValueError, match=r'unknown to raw Mapillary.*: 124 '):
        dataset(release_2)[0]


def _first_of_each_class():
    """Enough labels for every class, too few for the release."""
    ids = {x.name: x.id for x in RAW_LABELS['mapillary_v1']}
    mapping = get_class_view('cityscapes19').mapping('mapillary_v1')
    first = {}
    for i, name in enumerate(NAMES):
        train = mapping.get(ids.get(as_release_1(name)))
        first.setdefault(train, i)
    return sorted(first.values())


def test_config_file(release_2):
    config = release_2 / 'config_v2.0.json'
    config.rename(release_2 / 'config.json')
    assert len(dataset(release_2)) == 1
    write_config(release_2, NAMES[:66], 'config.json')
    with pytest.raises(ValueError, match='66 labels, no label for'):
        dataset(release_2)
    short = [NAMES[i] for i in _first_of_each_class()]
    write_config(release_2, short, 'config.json')
    with pytest.raises(ValueError, match=rf'{len(short)} labels; expected'):
        dataset(release_2)
    (release_2 / 'config.json').write_text('{"labels": [1]}')
    with pytest.raises(ValueError, match="no Vistas config file.*'readable'"):
        dataset(release_2)
    (release_2 / 'config.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'need config_v2\.0\.json in'):
        dataset(release_2)


def test_wrong_label_set(release_2):
    with pytest.raises(ValueError, match=r"label_set='2'.*\['1.2', '2.0'\]"):
        dataset(release_2, label_set='2')
    with pytest.raises(FileNotFoundError, match=r'training/labels'):
        dataset(release_2, label_set='1.2')


def test_street_world_as_release_2(sequence_world, tmp_path):
    """The folder's config.json is of 1.2: refused for the labels of 2.0."""
    view = get_class_view('vistas7')
    with pytest.raises(ValueError, match='66 labels'):
        v2_decoder(str(sequence_world / 'mapillary'), view)
    data = MapillaryRawDataset(
        data_root=str(sequence_world / 'mapillary'), pipeline=PIPELINE
    )
    assert data.label_layout == 'release 1.2'
    assert data[0]['gt_seg_map'].shape == data[0]['img'].shape[:2]
