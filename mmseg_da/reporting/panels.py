# SPDX-License-Identifier: Apache-2.0
"""Pictures of a page: label maps in colour, side by side, in one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from PIL import Image

from mmseg_da.datasets.class_views import IGNORE_INDEX, ClassView

from .html import render

_JPEG_QUALITY = 92


@dataclass(frozen=True)
class Panel:
    """One line of pictures.

    Args:
        caption: What the line shows, e.g. the name of the frame.
        pictures: A data URI per picture, see :func:`encode_image`; None
            leaves its place empty.
    """

    caption: str
    pictures: Sequence[str | None]


def colorize(train_ids: np.ndarray, view: ClassView) -> Image.Image:
    """A label map as a palette picture; ignored pixels are black.

    Args:
        train_ids: uint8 (H, W), 0..C-1 or 255.
        view: Class view with the colours.

    Raises:
        ValueError: A value is no train id of the view.
    """
    known = np.append(np.arange(view.num_classes), IGNORE_INDEX)
    foreign = np.setdiff1d(train_ids, known)
    if foreign.size:
        raise ValueError(
            f'label map holds {foreign[:5].tolist()}; expected train ids '
            f'0..{view.num_classes - 1} of {view.name!r} or {IGNORE_INDEX}'
        )
    picture = Image.fromarray(train_ids.astype(np.uint8), mode='P')
    palette = np.zeros((256, 3), np.uint8)
    palette[: view.num_classes] = view.palette
    picture.putpalette(palette.tobytes())
    return picture


def encode_image(picture: Image.Image) -> str:
    """A picture as data URI: palette pictures as PNG, others as JPEG."""
    stream = io.BytesIO()
    if picture.mode == 'P':
        kind = 'png'
        picture.save(stream, 'PNG', optimize=True)
    else:
        kind = 'jpeg'
        picture.convert('RGB').save(stream, 'JPEG', quality=_JPEG_QUALITY)
    data = base64.b64encode(stream.getvalue()).decode('ascii')
    return f'data:image/{kind};base64,{data}'


def evenly_spaced(length: int, count: int) -> list[int]:
    """``count`` indices in the middle of equal parts (all if fewer)."""
    count = min(length, count)
    return [(2 * i + 1) * length // (2 * count) for i in range(count)]


def panel_grid(titles: Sequence[str], panels: Sequence[Panel]) -> Markup:
    """Lines of pictures under common column titles.

    Args:
        titles: One per column.
        panels: Lines with as many pictures as there are titles.

    Raises:
        ValueError: A line has another number of pictures.
    """
    for panel in panels:
        if len(panel.pictures) != len(titles):
            raise ValueError(
                f'panel {panel.caption!r} has {len(panel.pictures)} pictures '
                f'for the {len(titles)} columns {list(titles)}'
            )
    return render('panel_grid', titles=titles, panels=panels)


def color_legend(view: ClassView) -> Markup:
    """Names and colours of all classes, and black for ignored pixels."""
    entries = [
        (name, '#{:02x}{:02x}{:02x}'.format(*color))
        for name, color in zip(view.classes, view.palette, strict=True)
    ]
    return render('legend', entries=[*entries, ('not counted', '#000000')])
