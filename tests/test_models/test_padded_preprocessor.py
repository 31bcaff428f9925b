# SPDX-License-Identifier: Apache-2.0
"""Normalisation on the device: padding, colour statistics, bad input."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_da.models.data_preprocessors import renormalized_statistics
from mmseg_da.uda.view_batch import ViewBatch

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
GTA = ((0.481, 0.479, 0.465), (0.243, 0.239, 0.237))
CITYSCAPES = ((0.300, 0.344, 0.297), (0.175, 0.180, 0.177))


def scaled(statistics):
    return [[255 * x for x in values] for values in statistics]


def build(source=True, size=(4, 6), **options):
    if source:
        options.update(
            source_statistics=scaled(GTA),
            target_statistics=scaled(CITYSCAPES),
        )
    return MODELS.build(
        dict(
            type='PaddedSegDataPreProcessor',
            mean=scaled(IMAGENET)[0],
            std=scaled(IMAGENET)[1],
            bgr_to_rgb=True,
            size=size,
            **options,
        )
    )


def test_constants_of_the_sheet():
    """Section 3."""
    mean, std = renormalized_statistics(GTA, CITYSCAPES, IMAGENET)
    assert mean == pytest.approx([0.737886, 0.627711, 0.610949], abs=1e-6)
    assert std == pytest.approx([0.317983, 0.297422, 0.301271], abs=1e-6)
    module = build()
    assert module.mean.flatten().tolist() == pytest.approx(
        [188.1609, 160.0663, 155.7920], abs=1e-4
    )
    assert module.std.flatten().tolist() == pytest.approx(
        [81.0856, 75.8427, 76.8242], abs=1e-4
    )


@pytest.mark.parametrize(
    ('source', 'expected'),
    [
        (True, (-0.74194, -0.42280, -0.36176)),
        (False, (0.07406, 0.20518, 0.42649)),
    ],
)
def test_a_grey_pixel(source, expected):
    """Oracle 22."""
    data = {
        'inputs': [torch.full((3, 4, 6), 128, dtype=torch.uint8)],
        'data_samples': [SegDataSample()],
    }
    found = build(source)(data, True)['inputs']
    assert found.shape == (1, 3, 4, 6)
    assert found[0, :, 1, 2].tolist() == pytest.approx(expected, abs=1e-5)


def test_padding_is_zero():
    """Oracle 21, also where the batch is padded further."""
    mask = torch.zeros(1, 3, 5, dtype=torch.uint8)
    mask[:, :, 4] = 1
    sample = SegDataSample()
    sample.padding_mask = PixelData(data=mask)
    data = {
        'inputs': [torch.randint(0, 255, (3, 3, 5), dtype=torch.uint8)],
        'data_samples': [sample],
    }
    found = build(size=(4, 6))(data, True)['inputs'][0]
    assert (found[:, :, 4:] == 0).all() and (found[:, 3] == 0).all()
    assert (found[:, :3, :4] != 0).all()


def test_clean_views_are_stacked_once():
    size, count = (4, 6), 3
    samples = []
    for _ in range(2):
        sample = SegDataSample()
        views = torch.randint(0, 255, (count, 3, *size), dtype=torch.uint8)
        sample.set_data(
            dict(
                clean=views,
                padding=torch.zeros(count, *size, dtype=torch.bool),
                affine=torch.zeros(count, 2, 3),
                affine_inverse=torch.zeros(count, 2, 3),
            )
        )
        samples.append(sample)
    data = {'inputs': [s.clean for s in samples], 'data_samples': samples}
    found = build(size=size)(data, True)
    batch = ViewBatch.collect(found['inputs'], found['data_samples'])
    clean = found['data_samples'][0].clean
    assert batch.clean.data_ptr() == clean.data_ptr()
    assert torch.equal(batch.clean, batch.noisy)


def test_tests_are_those_of_mmseg():
    plain = MODELS.build(
        dict(
            type='SegDataPreProcessor',
            mean=scaled(IMAGENET)[0],
            std=scaled(IMAGENET)[1],
            bgr_to_rgb=True,
            size=(4, 6),
        )
    )
    image = torch.randint(0, 255, (3, 4, 6), dtype=torch.uint8)
    found = [
        module({'inputs': [image], 'data_samples': [SegDataSample()]})
        for module in (build(False), plain)
    ]
    assert torch.equal(found[0]['inputs'], found[1]['inputs'])


def test_bad_input():
    with pytest.raises(ValueError, match='go together; give all four or no'):
        build(False, source_statistics=scaled(GTA))
    with pytest.raises(ValueError, match=r'target statistics .* deviations >'):
        renormalized_statistics(GTA, ((0.3,) * 3, (0.0,) * 3), IMAGENET)
    data = {
        'inputs': [torch.zeros(2, 3, 4, 6), torch.zeros(2, 3, 4, 5)],
        'data_samples': [SegDataSample(), SegDataSample()],
    }
    with pytest.raises(ValueError, match='views of different shapes'):
        build()(data, True)
