# SPDX-License-Identifier: Apache-2.0
"""Label tables and class views against the published facts."""

import pickle

import numpy as np
import pytest

from mmseg_da.datasets.class_views import (
    CLASS_VIEWS,
    IGNORE_INDEX,
    RAW_LABELS,
    SUBSETS,
    ClassView,
    get_class_view,
)

# Raw id -> train id, copied from the conversion scripts of the published
# systems (see docs/data.md).
GTA_19 = {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9},
    **{23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17},
    33: 18,
}
SYNTHIA_19 = {
    **{3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 16: 9, 1: 10},
    **{10: 11, 17: 12, 8: 13, 18: 14, 19: 15, 20: 16, 12: 17, 11: 18},
}
SYNTHIA_16 = {
    **{3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 1: 9, 10: 10},
    **{17: 11, 8: 12, 19: 13, 12: 14, 11: 15},
}
SYNTHIA_7 = {
    **{1: 4, 2: 1, 3: 0, 4: 0, 5: 1, 6: 3, 7: 2, 8: 6, 9: 2, 10: 5, 11: 6},
    **{15: 2, 22: 0},
}


@pytest.mark.parametrize(
    ('table', 'count', 'first', 'last'),
    [
        ('cityscapes', 35, -1, 33),
        ('gta', 35, 0, 34),
        ('synthia', 23, 0, 22),
        ('mapillary_v1', 66, 0, 65),
        ('camvid', 12, 0, 11),
    ],
)
def test_raw_tables_are_complete(table, count, first, last):
    labels = RAW_LABELS[table]
    assert [x.id for x in labels] == list(range(first, last + 1))
    assert len(labels) == count
    assert len({x.name for x in labels}) == count
    assert all(0 <= c <= 255 for x in labels for c in x.color)


@pytest.mark.parametrize(
    ('table', 'raw', 'name', 'color'),
    [
        ('cityscapes', 6, 'ground', (81, 0, 81)),
        ('cityscapes', 33, 'bicycle', (119, 11, 32)),
        ('gta', 34, 'license plate', (0, 0, 142)),
        ('synthia', 5, 'fence', (64, 64, 128)),
        ('synthia', 22, 'lane marking', (102, 102, 156)),
        ('mapillary_v1', 49, 'traffic sign (back)', (192, 192, 192)),
        ('camvid', 4, 'pavement', (60, 40, 222)),
    ],
)
def test_raw_label_spot_values(table, raw, name, color):
    label = {x.id: x for x in RAW_LABELS[table]}[raw]
    assert (label.name, label.color) == (name, color)


@pytest.mark.parametrize(
    ('view', 'table', 'expected'),
    [
        ('cityscapes19', 'cityscapes', GTA_19),
        ('cityscapes19', 'gta', GTA_19),
        ('cityscapes19', 'synthia', SYNTHIA_19),
        ('cityscapes16', 'synthia', SYNTHIA_16),
        ('vistas7', 'synthia', SYNTHIA_7),
        ('camvid11', 'camvid', {i: i for i in range(11)}),
    ],
)
def test_maps_equal_the_published_ones(view, table, expected):
    assert get_class_view(view).mapping(table) == expected


def test_16_classes_are_the_19_without_three():
    view19 = get_class_view('cityscapes19')
    view16 = get_class_view('cityscapes16')
    gone = set(view19.classes) - set(view16.classes)
    assert gone == {'terrain', 'truck', 'train'}
    old = [view19.classes.index(name) for name in view16.classes]
    assert old == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18]
    for raw, train in view19.mapping('gta').items():
        expected = old.index(train) if train in old else IGNORE_INDEX
        assert view16.lut('gta')[raw] == expected


def test_seven_class_maps_keep_their_differences():
    view = get_class_view('vistas7')
    assert view.classes == (
        'flat',
        'construction',
        'object',
        'nature',
        'sky',
        'human',
        'vehicle',
    )
    cityscapes = view.lut('cityscapes')
    mapillary = view.lut('mapillary_v1')
    synthia = view.lut('synthia')
    assert cityscapes[22] == 3  # terrain is nature here ...
    assert mapillary[29] == 0  # ... and flat in Vistas
    assert list(cityscapes[[29, 30]]) == [6, 6]  # caravan, trailer
    assert (cityscapes[[9, 10, 14, 15, 16, 18, 34]] == 255).all()
    assert (synthia[[12, 17, 19, 21]] == 255).all()
    assert len(view.mapping('mapillary_v1')) == 45
    counts = np.bincount(mapillary[:66], minlength=256)
    assert list(counts[:7]) == [12, 8, 8, 1, 1, 4, 11]
    assert counts[255] == 21


def test_camvid_view_merges_cityscapes_classes():
    view = get_class_view('camvid11')
    merged = {}
    for raw, train in view.mapping('gta').items():
        merged.setdefault(view.classes[train], set()).add(raw)
    assert merged == {
        'sky': {23},
        'building': {11, 12},
        'pole': {17},
        'road': {7},
        'pavement': {8},
        'tree': {21, 22},
        'sign': {19, 20},
        'fence': {13},
        'car': {26, 27, 28},
        'pedestrian': {24},
        'bicyclist': {25, 32, 33},
    }
    assert view.lut('cityscapes')[31] == IGNORE_INDEX  # train


def test_own_mapillary_map_is_conservative():
    lut = get_class_view('cityscapes19').lut('mapillary_v1')
    names = {x.name: lut[x.id] for x in RAW_LABELS['mapillary_v1']}
    assert names['lane marking - general'] == 0
    assert names['bicyclist'] == 12
    assert names['on rails'] == 16
    for name in ('bike lane', 'street light', 'traffic sign (back)'):
        assert names[name] == IGNORE_INDEX
    assert set(lut) == {*range(19), IGNORE_INDEX}


@pytest.mark.parametrize('name', sorted(CLASS_VIEWS))
def test_every_lut_is_complete(name):
    view = CLASS_VIEWS[name]
    assert view.name == name
    assert len(view.palette) == view.num_classes == len(set(view.classes))
    for table in view.raw_to_train:
        lut = view.lut(table)
        assert lut.shape == (256,)
        assert lut.dtype == np.uint8
        known = [x.id for x in RAW_LABELS[table] if x.id >= 0]
        unknown = np.setdiff1d(np.arange(256), known)
        assert (lut[unknown] == IGNORE_INDEX).all()
        assert set(lut[known]) <= {*range(view.num_classes), IGNORE_INDEX}


def test_palettes():
    view = get_class_view('cityscapes19')
    assert view.palette[0] == (128, 64, 128)
    assert view.palette[10] == (70, 130, 180)
    assert view.palette[18] == (119, 11, 32)
    assert get_class_view('camvid11').palette[0] == (128, 128, 128)
    assert view.metainfo()['palette'][13] == [0, 0, 142]


def test_to_raw_inverts_lut():
    for name in ('cityscapes19', 'cityscapes16'):
        view = get_class_view(name)
        for table in ('cityscapes', 'gta', 'synthia'):
            train = np.arange(view.num_classes)
            assert (view.lut(table)[view.to_raw(table)[train]] == train).all()
    assert get_class_view('cityscapes19').to_raw('cityscapes')[255] == 0
    assert get_class_view('camvid11').to_raw('camvid')[255] == 11


def test_to_raw_of_a_merging_view_is_an_error():
    with pytest.raises(ValueError, match=r'merges the cityscapes ids \[7, 8'):
        get_class_view('vistas7').to_raw('cityscapes')


def test_subsets_are_class_names():
    subsets = SUBSETS['cityscapes19']
    assert {k: len(v) for k, v in subsets.items()} == {'16': 16, '13': 13}
    assert set(subsets['16']) - set(subsets['13']) == {'wall', 'fence', 'pole'}
    for name, named in SUBSETS.items():
        for classes in named.values():
            get_class_view(name).indices_of(classes)
    ids = get_class_view('cityscapes16').indices_of(
        SUBSETS['cityscapes16']['13']
    )
    assert ids == (0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'cityscapes19'"):
        get_class_view('cityscape19')
    view = get_class_view('cityscapes19')
    with pytest.raises(ValueError, match="no map for the label table 'camv"):
        view.lut('camvid')
    with pytest.raises(ValueError, match="'tram' is no class"):
        view.indices_of(('tram',))


def test_a_bad_view_is_refused():
    with pytest.raises(ValueError, match='2 classes but 1 palette'):
        ClassView('x', ('a', 'b'), ((0, 0, 0),), {})
    with pytest.raises(ValueError, match='300 -> 0 is outside'):
        ClassView('x', ('a',), ((0, 0, 0),), {'t': {300: 0}})


def test_views_can_be_pickled():
    view = get_class_view('vistas7')
    assert pickle.loads(pickle.dumps(view)) == view
