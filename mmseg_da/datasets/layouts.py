# SPDX-License-Identifier: Apache-2.0
"""Known folder layouts of the packages, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ['check_split', 'expected_tree']

_HOW_TO_GET = 'Downloads: docs/data.md. Without: tools/make_street_world.py'


def check_split(
    split: str | None, data_prefix: dict | None, splits: Mapping, title: str
) -> str | None:
    """Return the split to use, by default a package's first one.

    Raises:
        ValueError: Unknown split, or a split together with own folders.
    """
    allowed = [] if data_prefix else list(splits)
    if split is None:
        return allowed[0] if allowed else None
    if data_prefix:
        raise ValueError(
            f'{title}: split={split!r} and data_prefix={data_prefix} exclude '
            'each other; give one of them.'
        )
    if split not in allowed:
        raise ValueError(
            f'{title}: split {split!r} is unknown; allowed: '
            f'{allowed or None}. For other folders use data_prefix, for own '
            'lists ann_file.'
        )
    return split


def expected_tree(
    images: Mapping[str, str],
    labels: Mapping[str, str],
    img_suffix: str,
    seg_map_suffix: str,
) -> str:
    """Say which folders a dataset looks for.

    Args:
        images: Layout -> image folder; 'data_prefix' for the given one.
        labels: Layout -> label folder; layouts without labels are left out.
        img_suffix: End of the image names.
        seg_map_suffix: End of the label names.
    """
    lines = []
    for name, folder in images.items():
        line = f'  {name}: {folder}/**/*{img_suffix}'
        if name in labels:
            line += f' and {labels[name]}/**/*{seg_map_suffix}'
        lines.append(line)
    if set(images) != {'data_prefix'}:
        lines.append(_HOW_TO_GET)
    return '\n'.join(['Expected below data_root:', *lines])
