# SPDX-License-Identifier: Apache-2.0
"""Every row of the published tables: ids, names, colours, train ids, counts.

The tables below were copied from the projects' own files (see docs/data.md),
not from this package.
"""

import re

import pytest
from mmseg.datasets import MapillaryDataset_v1

from mmseg_da import datasets
from mmseg_da.datasets.class_views import (
    IGNORE_INDEX,
    RAW_LABELS,
    SUBSETS,
    get_class_view,
)
from mmseg_da.datasets.release_facts import release_of

# id, name, RGB, train id with 19, 16 and 7 classes; - is ignored.
CITYSCAPES = """
0, unlabeled, 0 0 0, -, -, -
1, ego vehicle, 0 0 0, -, -, -
2, rectification border, 0 0 0, -, -, -
3, out of roi, 0 0 0, -, -, -
4, static, 0 0 0, -, -, -
5, dynamic, 111 74 0, -, -, -
6, ground, 81 0 81, -, -, -
7, road, 128 64 128, 0, 0, 0
8, sidewalk, 244 35 232, 1, 1, 0
9, parking, 250 170 160, -, -, -
10, rail track, 230 150 140, -, -, -
11, building, 70 70 70, 2, 2, 1
12, wall, 102 102 156, 3, 3, 1
13, fence, 190 153 153, 4, 4, 1
14, guard rail, 180 165 180, -, -, -
15, bridge, 150 100 100, -, -, -
16, tunnel, 150 120 90, -, -, -
17, pole, 153 153 153, 5, 5, 2
18, polegroup, 153 153 153, -, -, -
19, traffic light, 250 170 30, 6, 6, 2
20, traffic sign, 220 220 0, 7, 7, 2
21, vegetation, 107 142 35, 8, 8, 3
22, terrain, 152 251 152, 9, -, 3
23, sky, 70 130 180, 10, 9, 4
24, person, 220 20 60, 11, 10, 5
25, rider, 255 0 0, 12, 11, 5
26, car, 0 0 142, 13, 12, 6
27, truck, 0 0 70, 14, -, 6
28, bus, 0 60 100, 15, 13, 6
29, caravan, 0 0 90, -, -, 6
30, trailer, 0 0 110, -, -, 6
31, train, 0 80 100, 16, -, 6
32, motorcycle, 0 0 230, 17, 14, 6
33, bicycle, 119 11 32, 18, 15, 6
-1, license plate, 0 0 142, -, -, -
"""
SYNTHIA = """
0, void, 0 0 0, -, -, -
1, sky, 70 130 180, 10, 9, 4
2, building, 70 70 70, 2, 2, 1
3, road, 128 64 128, 0, 0, 0
4, sidewalk, 244 35 232, 1, 1, 0
5, fence, 64 64 128, 4, 4, 1
6, vegetation, 107 142 35, 8, 8, 3
7, pole, 153 153 153, 5, 5, 2
8, car, 0 0 142, 13, 12, 6
9, traffic sign, 220 220 0, 7, 7, 2
10, pedestrian, 220 20 60, 11, 10, 5
11, bicycle, 119 11 32, 18, 15, 6
12, motorcycle, 0 0 230, 17, 14, -
13, parking-slot, 250 170 160, -, -, -
14, road-work, 128 64 64, -, -, -
15, traffic light, 250 170 30, 6, 6, 2
16, terrain, 152 251 152, 9, -, -
17, rider, 255 0 0, 12, 11, -
18, truck, 0 0 70, 14, -, -
19, bus, 0 60 100, 15, 13, -
20, train, 0 80 100, 16, -, -
21, wall, 102 102 156, 3, 3, -
22, lane marking, 102 102 156, -, -, 0
"""
# Train id of the seven classes (- ignored): Vistas index and name.
VISTAS = {
    0: """
7 bike lane, 8 crosswalk - plain, 9 curb cut, 10 parking,
11 pedestrian area, 12 rail track, 13 road, 14 service lane, 15 sidewalk,
23 lane marking - crosswalk, 24 lane marking - general, 29 terrain
""",
    1: """
2 curb, 3 fence, 4 guard rail, 5 barrier, 6 wall, 16 bridge, 17 building,
18 tunnel
""",
    2: """
43 pothole, 44 street light, 45 pole, 46 traffic sign frame,
47 utility pole, 48 traffic light, 49 traffic sign (back),
50 traffic sign (front)
""",
    3: """
30 vegetation
""",
    4: """
27 sky
""",
    5: """
19 person, 20 bicyclist, 21 motorcyclist, 22 other rider
""",
    6: """
52 bicycle, 53 boat, 54 bus, 55 car, 56 caravan, 57 motorcycle,
58 on rails, 59 other vehicle, 60 trailer, 61 truck, 62 wheeled slow
""",
    255: """
0 bird, 1 ground animal, 25 mountain, 26 sand, 28 snow, 31 water,
32 banner, 33 bench, 34 bike rack, 35 billboard, 36 catch basin,
37 cctv camera, 38 fire hydrant, 39 junction box, 40 mailbox, 41 manhole,
42 phone booth, 51 trash can, 63 car mount, 64 ego vehicle, 65 unlabeled
""",
}
# id, name, RGB of SegNet's eleven classes.
CAMVID = """
0, sky, 128 128 128
1, building, 128 0 0
2, pole, 192 192 128
3, road, 128 64 128
4, pavement, 60 40 222
5, tree, 128 128 0
6, sign, 192 128 128
7, fence, 64 64 128
8, car, 64 0 128
9, pedestrian, 64 64 0
10, bicyclist, 0 128 192
11, unlabelled, 0 0 0
"""
VIEWS = ('cityscapes19', 'cityscapes16', 'vistas7')


def parsed(text):
    """Rows (id, name, colour, train ids of the three views)."""
    for line in text.strip().splitlines():
        raw, name, color, *train = line.split(', ')
        ids = [IGNORE_INDEX if x == '-' else int(x) for x in train]
        yield int(raw), name, tuple(map(int, color.split())), ids


@pytest.mark.parametrize(
    ('table', 'text'),
    [('cityscapes', CITYSCAPES), ('gta', CITYSCAPES), ('synthia', SYNTHIA)],
)
def test_label_tables(table, text):
    luts = [get_class_view(name).lut(table) for name in VIEWS]
    labels = {label.id: label for label in RAW_LABELS[table]}
    rows = list(parsed(text))
    assert len(rows) == len(labels)
    for raw, name, color, train in rows:
        if table == 'gta' and raw == -1:
            raw = 34
        assert (labels[raw].name, labels[raw].color) == (name, color)
        # Id -1 is no pixel value of an 8-bit file.
        got = [int(lut[raw]) if raw >= 0 else IGNORE_INDEX for lut in luts]
        assert got == train, (table, raw, name)


def test_colors_of_the_classes():
    """A class is drawn in the colour of the label it comes from."""
    for column, view in enumerate(VIEWS[:2]):
        palette = get_class_view(view).palette
        for _, _, color, train in parsed(CITYSCAPES):
            if train[column] != IGNORE_INDEX:
                assert palette[train[column]] == color


def test_vistas():
    lut = get_class_view('vistas7').lut('mapillary_v1')
    labels = {label.id: label.name for label in RAW_LABELS['mapillary_v1']}
    seen = set()
    for train, text in VISTAS.items():
        for item in re.split(r',\s+', text.strip()):
            raw, name = item.split(' ', 1)
            assert labels[int(raw)] == name
            assert lut[int(raw)] == train
            seen.add(int(raw))
    assert seen == set(range(66)) == set(labels)


def test_vistas_colors():
    """MMSegmentation took its table from Mapillary's config.json."""
    meta = MapillaryDataset_v1.METAINFO
    labels = {label.id: label for label in RAW_LABELS['mapillary_v1']}
    assert len(meta['palette']) == 66
    for raw, color in enumerate(meta['palette']):
        assert labels[raw].color == tuple(color), labels[raw].name


def test_camvid():
    rows = [line.split(', ') for line in CAMVID.strip().splitlines()]
    labels = {label.id: label for label in RAW_LABELS['camvid']}
    view = get_class_view('camvid11')
    lut = view.lut('camvid')
    assert len(rows) == len(labels) == 12
    for raw, name, text in rows:
        color = tuple(map(int, text.split()))
        assert labels[int(raw)].name == name
        assert labels[int(raw)].color == color
        train = lut[int(raw)]
        if name == 'unlabelled':
            assert train == IGNORE_INDEX
        else:
            assert (view.classes[train], view.palette[train]) == (name, color)


def test_classes_in_order():
    assert get_class_view('cityscapes16').classes == (
        *('road', 'sidewalk', 'building', 'wall', 'fence', 'pole'),
        *('traffic light', 'traffic sign', 'vegetation', 'sky', 'person'),
        *('rider', 'car', 'bus', 'motorcycle', 'bicycle'),
    )
    sixteen = get_class_view('cityscapes16').classes
    without = [x for x in sixteen if x not in ('wall', 'fence', 'pole')]
    for view in ('cityscapes19', 'cityscapes16'):
        assert list(SUBSETS[view]['13']) == without
    assert SUBSETS['cityscapes19']['16'] == sixteen


@pytest.mark.parametrize(
    ('name', 'counts'),
    [
        ('CityscapesRawDataset', dict(train=2975, val=500, test=1525)),
        ('CityscapesSequenceDataset', dict(train=2975, val=500, test=1525)),
        ('GTADataset', {None: 24_966}),
        ('SynthiaDataset', {None: 9_400}),
        ('SynthiaParsedDataset', {None: 9_400}),
        ('SynscapesDataset', {None: 25_000}),
        ('MapillaryRawDataset', dict(train=18_000, val=2_000)),
        ('CamVidDataset', dict(train=367, val=101, test=233)),
        ('CustomRawDataset', {}),
    ],
)
def test_counts(name, counts):
    dataset = getattr(datasets, name)
    assert release_of(dataset).counts == counts
    assert set(counts) <= {None, *dataset.SPLITS}


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        ('CityscapesRawDataset', (2048, 1024)),
        ('SynthiaDataset', (1280, 760)),
        ('SynthiaSequenceDataset', (1280, 760)),
        ('GTASequenceDataset', (1920, 1080)),
        ('SynscapesDataset', (1440, 720)),
        ('CamVidDataset', (480, 360)),
        ('GTADataset', None),
        ('MapillaryRawDataset', None),
    ],
)
def test_sizes(name, size):
    assert release_of(getattr(datasets, name)).image_size == size
