# SPDX-License-Identifier: Apache-2.0
"""StreetWorld frames: determinism, labels, sizes, refusals."""

import dataclasses

import numpy as np
import pytest

from mmseg_da.datasets.class_views import RAW_LABELS, get_class_view
from mmseg_da.datasets.street_world.frame import StreetSettings
from mmseg_da.datasets.street_world.presets import presets
from mmseg_da.datasets.street_world.render import StreetRenderer
from mmseg_da.datasets.street_world.silhouettes import silhouettes
from mmseg_da.datasets.street_world.textures import textures

SMALL = (96, 48)


def same(a, b):
    """Whether two frames hold the same bytes."""
    arrays = ('image', 'label', 'instance', 'depth', 'flow')
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays
    ) and np.array_equal(a.pose.matrix, b.pose.matrix)


@pytest.fixture(scope='module')
def labels():
    """Labels of 200 small 'real' images."""
    renderer = StreetRenderer(StreetSettings('real', SMALL))
    return np.stack([renderer.render(i).label for i in range(200)])


def test_a_frame_has_the_promised_arrays():
    frame = StreetRenderer(StreetSettings('game', SMALL)).render(3)
    assert frame.image.shape == (48, 96, 3) and frame.image.dtype == np.uint8
    assert frame.label.shape == (48, 96) and frame.label.dtype == np.uint8
    assert frame.instance.dtype == np.uint16
    assert frame.depth.dtype == np.float32
    assert frame.flow is None and frame.next_pose is None
    assert np.array_equal(np.isinf(frame.depth), frame.label == 23)
    assert frame.depth.min() > 0


def test_same_bytes_in_any_order_and_after_a_fresh_start():
    settings = StreetSettings('game', SMALL, seed=5)
    renderer = StreetRenderer(settings)
    jobs = [(4, 19), (0, 3), (7, 29), (4, 2)]
    first = [renderer.render(i, t, with_flow=True) for i, t in jobs]
    silhouettes.cache_clear()
    textures.cache_clear()
    for (i, t), frame in list(zip(jobs, first, strict=True))[::-1]:
        again = StreetRenderer(settings).render(i, t, with_flow=True)
        assert same(frame, again)


def test_seed_preset_index_and_time_change_the_image():
    images = [
        StreetRenderer(StreetSettings(preset, SMALL, seed=seed))
        .render(index, time)
        .image
        for preset, seed, index, time in [
            ('real', 0, 0, 19),
            ('real', 1, 0, 19),
            ('real', 0, 1, 19),
            ('real', 0, 0, 18),
            ('game', 0, 0, 19),
        ]
    ]
    for k, image in enumerate(images):
        for other in images[k + 1 :]:
            assert np.abs(image.astype(int) - other).mean() > 2


def test_noise_differs_between_frames_and_can_be_switched_off():
    clean = StreetSettings('real', SMALL, sensor_noise=False)
    quiet = StreetRenderer(clean)
    noisy = StreetRenderer(dataclasses.replace(clean, sensor_noise=True))
    residues = [
        noisy.render(2, time).image.astype(int) - quiet.render(2, time).image
        for time in (10, 11)
    ]
    assert residues[0].std() > 1
    correlation = np.corrcoef(residues[0].ravel(), residues[1].ravel())[0, 1]
    assert abs(correlation) < 0.1


def test_every_label_is_known_and_every_class_occurs(labels):
    known = {label.id for label in RAW_LABELS['cityscapes']}
    assert set(np.unique(labels).tolist()) <= known
    view = get_class_view('cityscapes19')
    train_ids = view.lut('cityscapes')[labels]
    assert set(np.unique(train_ids).tolist()) == {*range(19), 255}


def test_void_and_class_shares_are_those_of_a_street(labels):
    lut = get_class_view('cityscapes19').lut('cityscapes')
    counts = np.bincount(lut[labels].ravel(), minlength=256)
    share = counts / counts.sum()
    assert 0.02 < share[255] < 0.15
    road, building, vegetation, car = share[[0, 2, 8, 13]]
    assert min(road, building) > 0.12 and min(vegetation, car) > 0.05
    rare = share[[12, 14, 15, 16, 17, 18]]
    assert rare.max() < 0.03 and rare.min() > 0.001


@pytest.mark.parametrize('preset', presets())
def test_every_preset_renders_a_varied_street(preset):
    frame = StreetRenderer(StreetSettings(preset, SMALL)).render(1)
    assert len(np.unique(frame.label)) >= 6
    assert frame.image.std() > 4 and frame.image.mean() < 200


def test_instances_are_numbered_and_have_one_class_each():
    renderer = StreetRenderer(StreetSettings('real', (256, 128)))
    things = {24, 25, 26, 27, 28, 31, 32, 33}
    for index in range(4):
        frame = renderer.render(index)
        numbers = np.unique(frame.instance)
        assert numbers.tolist() == list(range(numbers.max() + 1))
        is_thing = np.isin(frame.label, list(things))
        assert np.array_equal(frame.instance > 0, is_thing)
        for number in numbers[1:]:
            assert len(np.unique(frame.label[frame.instance == number])) == 1


def test_the_hood_can_be_left_out():
    settings = StreetSettings('real', SMALL)
    bare = dataclasses.replace(settings, hood=False)
    assert (StreetRenderer(settings).render(0).label == 1).mean() > 0.03
    assert not (StreetRenderer(bare).render(0).label == 1).any()


def test_without_supersampling_the_truth_is_the_same():
    settings = StreetSettings('real', SMALL)
    rough = dataclasses.replace(settings, supersample=1)
    fine, coarse = (StreetRenderer(s).render(6) for s in (settings, rough))
    assert (fine.label == coarse.label).mean() > 0.995
    close = np.isclose(fine.depth, coarse.depth, rtol=1e-4)
    assert close.mean() > 0.995


def test_the_largest_size_renders():
    settings = StreetSettings('real', (2048, 1024), supersample=1)
    frame = StreetRenderer(settings).render(0)
    assert frame.image.shape == (1024, 2048, 3)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'preset': 'gams'}, "'gams'.*game.*Did you mean 'game'"),
        ({'gap': 1.5}, r'gap=1.5 is outside \[0, 1\]'),
        ({'size': (64, 32)}, 'size=64x32.*96x48 to 2048x1024'),
        ({'seed': -1}, 'seed=-1 is negative'),
        ({'supersample': 3}, 'supersample=3; expected 1 or 2'),
    ],
)
def test_bad_settings_are_refused(change, message):
    settings = dataclasses.replace(StreetSettings('game', SMALL), **change)
    with pytest.raises(ValueError, match=message):
        StreetRenderer(settings)


@pytest.mark.parametrize(
    ('index', 'time', 'message'),
    [(-1, 0, 'index=-1'), (0, 30, r'time=30 is outside 0\.\.29')],
)
def test_bad_frames_are_refused(index, time, message):
    renderer = StreetRenderer(StreetSettings('game', SMALL))
    with pytest.raises(ValueError, match=message):
        renderer.render(index, time)
