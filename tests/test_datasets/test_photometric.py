# SPDX-License-Identifier: Apache-2.0
"""Pillow's noise: the pixels of direct Pillow calls with the same draws."""

import colorsys

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image, ImageEnhance, ImageFilter

from mmseg_da.datasets.draw import seeded_draw
from mmseg_da.datasets.transforms.photometric import (
    PillowColorJitter,
    PillowGaussianBlur,
    PillowGreyscale,
)


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)


def run(transform, rgb, seed=0):
    """RGB pixels after the transform, drawn from ``seed``."""
    results = {'img': np.ascontiguousarray(rgb[..., ::-1]), 'other': 1}
    np.random.seed(seed)
    results = transform(results)
    assert results['img'].dtype == np.uint8 and results['other'] == 1
    return results['img'][..., ::-1]


def turned(image, factor):
    """Hue by Pillow's HSV, in whole steps of 1 / 255 towards zero."""
    hue, *others = image.convert('HSV').split()
    moved = (np.asarray(hue).astype(int) + int(factor * 255)) % 256
    hue = Image.fromarray(moved.astype(np.uint8))
    return Image.merge('HSV', (hue, *others)).convert('RGB')


DIRECT = {
    'adjust_brightness': lambda x, f: ImageEnhance.Brightness(x).enhance(f),
    'adjust_contrast': lambda x, f: ImageEnhance.Contrast(x).enhance(f),
    'adjust_saturation': lambda x, f: ImageEnhance.Color(x).enhance(f),
    'adjust_hue': turned,
}


@pytest.mark.parametrize('seed', range(4))
def test_jitter_is_that_of_pillow(rgb, seed):
    transform = PillowColorJitter(0.5, 0.5, 0.5, 0.5, prob=1.0)
    np.random.seed(seed)
    np.random.random_sample()  # whether anything happens
    steps = [(f.__name__, x) for f, x in transform.draw_steps()]
    assert sorted(name for name, _ in steps) == sorted(DIRECT)
    expected = Image.fromarray(rgb)
    for name, factor in steps:
        expected = DIRECT[name](expected, factor)
    np.testing.assert_array_equal(run(transform, rgb, seed), expected)


def test_jitter_draws():
    """Ranges, uniform factors, every order."""
    np.random.seed(0)
    transform = PillowColorJitter(0.4, 0.4, 2.0, 0.1)
    drawn = {name: [] for name in DIRECT}
    orders = set()
    for _ in range(2000):
        steps = transform.draw_steps()
        orders.add(tuple(f.__name__ for f, _ in steps))
        for function, factor in steps:
            drawn[function.__name__].append(factor)
    assert len(orders) == 24
    for name, low, high in (
        ('adjust_brightness', 0.6, 1.4),
        ('adjust_contrast', 0.6, 1.4),
        ('adjust_saturation', 0.0, 3.0),
        ('adjust_hue', -0.1, 0.1),
    ):
        values = np.array(drawn[name])
        assert low <= values.min() and values.max() <= high
        width = high - low
        assert abs(values.mean() - (low + high) / 2) < 0.03 * width
        assert values.max() - values.min() > 0.98 * width
    assert PillowColorJitter(0, 0, 0, 0.1).draw_steps()[0][0].__name__ == (
        'adjust_hue'
    )
    assert len(PillowColorJitter(0, 0.1, 0, 0.1).draw_steps()) == 2


def test_hue_sees_rgb_not_bgr():
    """Pure red turned by a third of the circle is green."""
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    image = np.asarray(turned(Image.fromarray(red), 1 / 3))
    hue = colorsys.rgb_to_hsv(*(image[0, 0] / 255))[0]
    assert hue == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize('seed', range(3))
def test_blur_is_that_of_pillow(rgb, seed):
    transform = PillowGaussianBlur((0.1, 2.0))
    np.random.seed(seed)
    np.random.random_sample()
    radius = np.random.uniform(0.1, 2.0)
    expected = Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius))
    np.testing.assert_array_equal(run(transform, rgb, seed), expected)


def test_greyscale_is_the_luma_of_601(rgb):
    found = run(PillowGreyscale(prob=1.0), rgb)
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found - luma[..., None]).max() <= 0.51
    luma = np.asarray(Image.fromarray(rgb).convert('L'))
    np.testing.assert_array_equal(found, np.repeat(luma[..., None], 3, 2))


def test_probability(rgb):
    never = PillowGreyscale(prob=0.0)
    assert all((run(never, rgb, seed) == rgb).all() for seed in range(9))
    sometimes = PillowGreyscale(prob=0.2)
    hits = sum((run(sometimes, rgb, s) != rgb).any() for s in range(500))
    assert 70 < hits < 130


def test_a_draw_key_fixes_everything(rgb):
    transforms = [
        TRANSFORMS.build(config)
        for config in (
            dict(type='PillowGaussianBlur'),
            dict(type='PillowColorJitter'),
            dict(type='PillowGreyscale'),
        )
    ]

    def once(key):
        results = {'img': rgb.copy()}
        with seeded_draw(key):
            for transform in transforms:
                results = transform(results)
        return results['img']

    found = [once((1, 0, n)) for n in range(6)]
    np.random.seed(99)
    again = [once((1, 0, n)) for n in range(6)]
    np.testing.assert_array_equal(found, again)
    assert len({x.tobytes() for x in found}) == 6


def test_bad_arguments():
    with pytest.raises(ValueError, match=r'hue=0.6 is outside \[0, 0.5\]'):
        PillowColorJitter(hue=0.6)
    with pytest.raises(ValueError, match='contrast=-1 is outside'):
        PillowColorJitter(contrast=-1)
    with pytest.raises(ValueError, match=r'prob=1.5 is outside \[0, 1\]'):
        PillowGreyscale(prob=1.5)
    with pytest.raises(ValueError, match=r'radius=\(2, 1\); expected \(low'):
        PillowGaussianBlur((2, 1))
