# SPDX-License-Identifier: Apache-2.0
import base64
import io

import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.reporting import (
    Panel,
    color_legend,
    colorize,
    encode_image,
    panel_grid,
)

VIEW = get_class_view('cityscapes19')


def decode(uri: str) -> Image.Image:
    head, data = uri.split(',')
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == f'data:image/{picture.format.lower()};base64'
    return picture


def test_label_picture_has_the_colours_of_the_view():
    ids = np.array([[0, 18, 255]], np.uint8)
    picture = decode(encode_image(colorize(ids, VIEW)))
    assert picture.format == 'PNG'
    pixels = np.asarray(picture.convert('RGB'))[0].tolist()
    assert pixels == [list(VIEW.palette[0]), list(VIEW.palette[18]), [0, 0, 0]]


def test_photographs_become_jpeg():
    assert decode(encode_image(Image.new('RGB', (8, 8)))).format == 'JPEG'


def test_label_picture_refuses_raw_ids():
    with pytest.raises(ValueError, match=r'holds \[33\]; expected train ids'):
        colorize(np.array([[7, 33]], np.uint8), VIEW)


def test_grid_has_every_picture_with_its_words():
    html = panel_grid(['image', 'a & b'], [Panel('frame', ['data:x', None])])
    assert html.count('<img') == 1
    assert 'alt="image, frame"' in html
    assert 'a &amp; b' in html


def test_grid_refuses_a_line_of_another_length():
    with pytest.raises(ValueError, match="'frame' has 1 pictures for the 2"):
        panel_grid(['image', 'truth'], [Panel('frame', ['data:x'])])


def test_legend_names_every_class():
    html = color_legend(VIEW)
    assert html.count('<li>') == 20
    assert '#804080"></i>road' in html
