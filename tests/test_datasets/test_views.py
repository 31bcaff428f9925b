# SPDX-License-Identifier: Apache-2.0
"""Views for consistency: geometry, matrices, padding, packing."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from mmseg.registry import MODELS, TRANSFORMS
from PIL import Image
from torch.nn import functional as F

from mmseg_da.datasets.draw import seeded_draw
from mmseg_da.datasets.transforms import ConsistencyViews, PackViews, views
from mmseg_da.datasets.transforms.views import ViewGeometry, view_affine

SIZE = (64, 128)


def smooth_image(size=SIZE):
    """BGR image in which every position looks different."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    planes = [255 * x / size[1], 255 * y / size[0], 128 + 100 * np.sin(x / 9)]
    return np.rint(np.stack(planes, -1)).astype(np.uint8)


def make_views(image=None, seed=0, mask=None, **options):
    results = {'img': smooth_image() if image is None else image}
    if mask is not None:
        results['padding_mask'] = mask
    transform = ConsistencyViews(**options)
    with seeded_draw((seed,)):
        return transform(results)


@pytest.mark.parametrize(
    ('params', 'forth', 'back'),
    [
        (
            (-128, -256, 2, False),
            [[2, 0, 1], [0, 2, 1]],
            [[0.5, 0, -0.5], [0, 0.5, -0.5]],
        ),
        (
            (-128, -256, 2, True),
            [[-2, 0, 1], [0, 2, 1]],
            [[-0.5, 0, 0.5], [0, 0.5, -0.5]],
        ),
        (
            (10, -20.5, 1.25, True),
            [[-1.25, 0, 0.050049], [0, 1.25, -0.048828]],
            [[-0.8, 0, 0.040039], [0, 0.8, 0.039063]],
        ),
    ],
)
def test_matrices_of_the_sheet(params, forth, back):
    """Oracle 1."""
    found = view_affine(*params, size=(512, 1024))
    np.testing.assert_allclose(found[0], forth, atol=1e-6)
    np.testing.assert_allclose(found[1], back, atol=1e-6)
    assert found[0].dtype == found[1].dtype == np.float32


def test_matrices_of_a_crop_and_their_inverse():
    """Oracle 1: s = 0.5 at i = j = 0; both maps cancel for any view."""
    corner = ViewGeometry(False, (0, 0, 512, 256), 2.0, (512, 1024))
    np.testing.assert_array_equal(corner.matrices[0], [[2, 0, 1], [0, 2, 1]])
    transform = ConsistencyViews()
    np.random.seed(1)
    for k in range(20):
        matrices = transform.draw_geometry(k, (512, 1024)).matrices
        whole = [np.vstack([x, [0, 0, 1]]).astype(float) for x in matrices]
        np.testing.assert_allclose(whole[0] @ whole[1], np.eye(3), atol=1e-6)


def test_drawn_geometry():
    """Oracle 20 and sheet 6.2: sizes, positions, which views zoom."""
    transform = ConsistencyViews(zoom_range=(0.5, 1.0))
    np.random.seed(0)
    first = [transform.draw_geometry(0, (512, 1024)) for _ in range(300)]
    assert all(g.box == (0, 0, 1024, 512) and g.zoom == 1 for g in first)
    assert 100 < sum(g.flip for g in first) < 200
    others = [transform.draw_geometry(2, (512, 1024)) for _ in range(300)]
    assert 100 < sum(g.flip for g in others) < 200
    scales = np.array([1 / g.zoom for g in others])
    assert 0.5 <= scales.min() < 0.51 and 0.99 < scales.max() <= 1
    for geometry, scale in zip(others, scales, strict=True):
        left, top, right, bottom = geometry.box
        assert bottom - top == int(scale * 512)
        assert right - left == int(scale * 1024)
        assert left >= 0 and top >= 0 and right <= 1024 and bottom <= 512
    assert any(g.box[0] == 0 or g.box[2] == 1024 for g in others)


def test_without_flip_and_zoom_all_views_are_the_frame():
    """Oracle 20."""
    for zoom in ((1.0, 1.0), None):
        results = make_views(flip_prob=0.0, zoom_range=zoom)
        frame = results['img'].transpose(2, 0, 1)
        for view in results['clean']:
            np.testing.assert_array_equal(view, frame)
        identity = np.eye(3, dtype=np.float32)[:2]
        for key in ('affine', 'affine_inverse'):
            assert results[key].shape == (4, 2, 3)
            np.testing.assert_array_equal(results[key], [identity] * 4)
        assert not results['padding'].any()
        assert results['noisy'].shape == results['clean'].shape
        assert (results['noisy'] != results['clean']).any()


def test_a_mirrored_view():
    results = make_views(flip_prob=1.0, zoom_range=None, noise=())
    mirrored = results['img'][:, ::-1].transpose(2, 0, 1)
    for key in ('clean', 'noisy'):
        for view in results[key]:
            np.testing.assert_array_equal(view, mirrored)
    np.testing.assert_array_equal(
        results['affine'][0], [[-1, 0, 0], [0, 1, 0]]
    )


@pytest.mark.parametrize('flip', [False, True])
def test_views_are_pillows_crops(flip):
    """Flip, crop, then a resize that knows nothing outside the crop."""
    geometry = ViewGeometry(flip, (13, 7, 13 + 80, 7 + 40), 1.6, SIZE)
    image = Image.fromarray(smooth_image())
    pixels = np.asarray(image)[:, ::-1] if flip else np.asarray(image)
    part = Image.fromarray(pixels[7:47, 13:93].copy())
    expected = part.resize((128, 64), Image.BILINEAR)
    np.testing.assert_array_equal(geometry.cut(image, 2), expected)


@pytest.mark.parametrize('seed', range(4))
def test_the_maps_take_views_to_the_frame_and_back(seed):
    """The matrices say where the pixels went, to half a pixel."""
    results = make_views(seed=seed, zoom_range=(0.5, 0.99))
    clean = torch.from_numpy(results['clean']).double()
    frame = clean.new_tensor(results['img'].transpose(2, 0, 1))[None]
    for k in range(4):
        forth = torch.from_numpy(results['affine'][k : k + 1]).double()
        back = torch.from_numpy(results['affine_inverse'][k : k + 1]).double()
        shape = (1, 3, *SIZE)
        grid = F.affine_grid(back, shape, align_corners=False)
        view = F.grid_sample(
            frame, grid, padding_mode='border', align_corners=False
        )
        assert (view - clean[k]).abs().mean() < 2
        grid = F.affine_grid(forth, shape, align_corners=False)
        again = F.grid_sample(clean[k : k + 1], grid, align_corners=False)
        inside = (grid.abs() < 0.97).all(-1)[:, None].expand(shape)
        assert inside.any()
        assert (again - frame)[inside].abs().mean() < 2


def test_smaller_views_are_padded():
    """s > 1: the frame shrinks; what is around it is padding."""
    results = make_views(zoom_range=(2.0, 2.0), flip_prob=0.0, noise=())
    assert not results['padding'][0].any()
    for view, padding in zip(
        results['clean'][1:], results['padding'][1:], strict=True
    ):
        assert padding.mean() == pytest.approx(0.75, abs=0.02)
        rows = np.flatnonzero(~padding.all(1))
        columns = np.flatnonzero(~padding.all(0))
        assert len(rows) == 32 and len(columns) == 64
        # One pixel of the anti-aliased border may reach outside.
        assert view[:, padding].max() < 255
        assert (view[:, padding] == 0).mean() > 0.95
    forth = results['affine'][1]
    assert forth[0, 0] == forth[1, 1] == 0.5


def test_padding_follows_the_views():
    """Sheet 6: the mask goes through the same geometry, nearest pixel."""
    mask = np.zeros(SIZE, np.uint8)
    mask[:, :32] = 1
    results = make_views(mask=mask, flip_prob=1.0, zoom_range=None)
    np.testing.assert_array_equal(results['padding'][3], mask[:, ::-1] == 1)
    results = make_views(mask=mask, seed=3, flip_prob=0.0)
    transform = ConsistencyViews(flip_prob=0.0)
    with seeded_draw((3,)):
        drawn = [transform.draw_geometry(k, SIZE) for k in range(4)]
    for padding, geometry in zip(results['padding'], drawn, strict=True):
        part = Image.fromarray(mask).crop(geometry.box)
        expected = part.resize((128, 64), Image.NEAREST)
        np.testing.assert_array_equal(padding, np.asarray(expected) == 1)


def test_noise_is_drawn_for_every_view():
    results = make_views(flip_prob=0.0, zoom_range=None, num_views=8)
    assert len({view.tobytes() for view in results['noisy']}) == 8
    assert len({view.tobytes() for view in results['clean']}) == 1
    again = make_views(flip_prob=0.0, zoom_range=None, num_views=8)
    np.testing.assert_array_equal(results['noisy'], again['noisy'])
    other = make_views(flip_prob=0.0, zoom_range=None, seed=1)
    assert (other['noisy'][0] != results['noisy'][0]).any()


def test_noise_is_that_of_the_transforms():
    noise = [dict(type='PillowGreyscale', prob=1.0)]
    results = make_views(flip_prob=0.0, zoom_range=None, noise=noise)
    grey = TRANSFORMS.build(noise[0])({'img': smooth_image()})['img']
    np.testing.assert_array_equal(results['noisy'][2], grey.transpose(2, 0, 1))


MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def batch_of(count):
    pipeline = Compose(
        [
            ConsistencyViews(num_views=3, zoom_range=(0.5, 1.5)),
            TRANSFORMS.build(
                dict(type='MultiBranch', target_views=[dict(type='PackViews')])
            ),
        ]
    )
    with seeded_draw((7,)):
        return [
            pipeline({'img': smooth_image(), 'img_path': f'{i}.png'})
            for i in range(count)
        ]


def test_what_a_method_receives():
    """The contract in the docstring; oracle 21 for target views."""
    preprocessor = MODELS.build(
        dict(
            type='MultiBranchDataPreprocessor',
            data_preprocessor=dict(
                type='SegDataPreProcessor', size=SIZE, mean=[0.0], std=[1.0]
            ),
            branch_preprocessors=dict(
                target_views=dict(
                    type='PaddedSegDataPreProcessor',
                    size=SIZE,
                    mean=MEAN,
                    std=STD,
                    bgr_to_rgb=True,
                )
            ),
        )
    )
    samples = batch_of(2)
    raw = samples[0]['inputs']['target_views'].clone()
    raw_clean = samples[0]['data_samples']['target_views'].clean.clone()
    assert raw.dtype == torch.uint8
    data = preprocessor(pseudo_collate(samples), True)
    noisy = data['inputs']['target_views']
    assert noisy.shape == (2, 3, 3, *SIZE) and noisy.dtype == torch.float32
    sample = data['data_samples']['target_views'][0]
    padding = sample.padding
    assert padding.shape == (3, *SIZE) and padding.dtype == torch.bool
    assert padding.any()
    mean, std = torch.tensor([MEAN, STD])[..., None, None]
    for found, start in ((noisy[0], raw), (sample.clean, raw_clean)):
        expected = (start.flip(1).float() - mean) / std
        hidden = padding[:, None].expand_as(found)
        assert (found[hidden] == 0).all()
        torch.testing.assert_close(
            found[~hidden], expected[~hidden], rtol=0, atol=1e-6
        )
    assert sample.affine.shape == sample.affine_inverse.shape == (3, 2, 3)
    assert sample.affine.dtype == torch.float32
    assert sample.metainfo['img_path'] == '0.png'


def test_bad_arguments(monkeypatch):
    with pytest.raises(ValueError, match='num_views=0 must be >= 1'):
        ConsistencyViews(num_views=0)
    with pytest.raises(ValueError, match=r'zoom_range=\(1.0, 0.5\); expected'):
        ConsistencyViews(zoom_range=(1.0, 0.5))
    with pytest.raises(ValueError, match=r'flip_prob=2 is outside'):
        ConsistencyViews(flip_prob=2)
    with pytest.raises(ValueError, match='noise has a RandomFlip; allowed'):
        ConsistencyViews(noise=[dict(type='RandomFlip', prob=0.5)])
    with pytest.raises(ValueError, match='leaves no pixel of an image of 12'):
        make_views(zoom_range=(0.001, 0.001))
    said = []
    monkeypatch.setattr(
        views, 'print_log', lambda text, **_: said.append(text)
    )
    ConsistencyViews(num_views=1)
    assert 'nothing to be consistent' in said[0]
    with pytest.raises(KeyError, match="'clean' is not in the sample"):
        PackViews()({'img': smooth_image()})
