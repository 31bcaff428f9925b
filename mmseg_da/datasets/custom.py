# SPDX-License-Identifier: Apache-2.0
"""Own data by configuration: folders, suffixes and a label table."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset
from .class_views import IGNORE_INDEX, ClassView, get_class_view
from .label_decoding import (
    LabelDecoder,
    check_label_format,
    train_id_decoder,
)

__all__ = ['CustomRawDataset']


@DATASETS.register_module()
class CustomRawDataset(RawSegDataset):
    """Own images and labels, without writing Python.

    Example::

        dict(
            type='CustomRawDataset',
            data_root='data/mine',
            data_prefix=dict(img_path='photos', seg_map_path='masks'),
            img_suffix='.jpg',
            raw_labels=[(0, None), (1, 'road'), (2, 'car'), (3, 'car')],
        )

    Args:
        data_root: Root folder, prepended to relative paths.
        data_prefix: Folders ``img_path`` and, if labelled, ``seg_map_path``.
        raw_labels: Pairs (key, class name). The key is a raw id in 0..255 or
            an RGB colour, all of one kind; the name None means "ignore". An
            id or colour that is not listed is an error when it is met.
            Needed unless ``labeled=False`` or ``label_format='train_ids'``.
        class_view: View the names belong to; 'cityscapes19' by default.
        classes: Own class names instead of a registered view; then
            ``dataset_name`` is also the view's name.
        palette: RGB colours of the own classes; made up if left out.
        label_encoding: For raw ids 'index8' or 'rgb16'.
        dataset_name: Tag in tables and errors.
        ann_file, label_format, labeled, indices, skip_files, img_suffix,
            seg_map_suffix, pipeline, serialize_data, test_mode, lazy_init,
            max_refetch, backend_args, cache: See :class:`RawSegDataset`.

    Raises:
        ValueError: A bad table: unknown class, id outside 0..255, a key
            twice, ids and colours mixed; classes or a palette that are no
            lists.
    """

    LABEL_TABLE = 'custom'

    def __init__(
        self,
        data_root: str | None = None,
        data_prefix: dict | None = None,
        raw_labels: Sequence[Sequence] | None = None,
        class_view: str | None = None,
        classes: Sequence[str] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
        label_encoding: str = 'index8',
        dataset_name: str = 'custom',
        ann_file: str = '',
        label_format: str = 'raw',
        labeled: bool = True,
        indices: int | Sequence[int] | str | None = None,
        skip_files: Sequence[str] = (),
        img_suffix: str = '.png',
        seg_map_suffix: str = '.png',
        pipeline: Sequence[dict | Callable] = (),
        serialize_data: bool = True,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        backend_args: dict | None = None,
        cache: dict | None = None,
    ) -> None:
        _require_image_folder(data_prefix, dataset_name)
        self.raw_labels = raw_labels
        self.label_encoding = label_encoding
        self.own_classes = _class_names(classes, dataset_name)
        self.own_palette = palette
        super().__init__(
            data_root=data_root,
            data_prefix=data_prefix,
            ann_file=ann_file,
            class_view=class_view,
            label_format=label_format,
            labeled=labeled,
            indices=indices,
            skip_files=skip_files,
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            dataset_name=dataset_name,
            pipeline=pipeline,
            serialize_data=serialize_data,
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
            backend_args=backend_args,
            cache=cache,
        )

    def _build_decoder(
        self, class_view: str | None
    ) -> tuple[ClassView, LabelDecoder | None]:
        check_label_format(self.label_format)
        if self.own_classes and class_view:
            raise ValueError(
                f'{self._title()}: give either class_view={class_view!r} or '
                f'own classes, not both'
            )
        if self.own_classes:
            view = _own_view(
                self.dataset_name, self.own_classes, self.own_palette
            )
        else:
            view = get_class_view(class_view or self.DEFAULT_VIEW)
        if not self.labeled:
            return view, None
        if self.label_format == 'train_ids':
            return view, train_id_decoder(view)
        if not self.raw_labels:
            raise ValueError(
                f'{self._title()}: raw_labels is missing. Give pairs such as '
                "[(0, None), (1, 'road')] or [((128, 64, 128), 'road')], or "
                "set label_format='train_ids' or labeled=False."
            )
        return view, table_decoder(
            self.raw_labels, view, self.label_encoding, self._title()
        )


def _require_image_folder(data_prefix: dict | None, name: str) -> None:
    if not data_prefix or 'img_path' not in data_prefix:
        raise ValueError(
            f'CustomRawDataset ({name}): data_prefix {data_prefix} names no '
            "image folder; give data_prefix=dict(img_path='...', "
            "seg_map_path='...')"
        )


def _class_names(classes: object, name: str) -> tuple[str, ...]:
    """Own class names; () for none."""
    if classes is None:
        return ()
    is_list = isinstance(classes, Sequence) and not isinstance(classes, str)
    if not is_list or not all(isinstance(entry, str) for entry in classes):
        raise ValueError(
            f'CustomRawDataset ({name}): classes={classes!r} is no list of '
            "names; expected e.g. ['road', 'car']"
        )
    return tuple(classes)


def _own_view(
    name: str,
    classes: tuple[str, ...],
    palette: Sequence[Sequence[int]] | None,
) -> ClassView:
    if palette is None:
        count = len(classes)
        hues = (colorsys.hsv_to_rgb(i / count, 0.8, 0.9) for i in range(count))
        palette = [[round(255 * channel) for channel in rgb] for rgb in hues]
    try:
        colors = tuple(tuple(int(c) for c in color) for color in palette)
    except (TypeError, ValueError):
        raise ValueError(
            f'CustomRawDataset ({name}): palette={palette!r} is no list of '
            'RGB colours; expected e.g. [(128, 64, 128), (0, 0, 142)]'
        ) from None
    return ClassView(name, classes, colors, {})


def table_decoder(
    raw_labels: Sequence[Sequence] | Mapping,
    view: ClassView,
    encoding: str,
    title: str,
) -> LabelDecoder:
    """Build a decoder from pairs (raw id or RGB colour, class name).

    Args:
        raw_labels: The pairs, or a mapping; the name None means "ignore".
        view: The classes the names belong to.
        encoding: For ids 'index8' or 'rgb16'; colours imply 'color'.
        title: Whose table it is, for errors.

    Raises:
        ValueError: See :class:`CustomRawDataset`.
    """
    if isinstance(raw_labels, Mapping):
        raw_labels = list(raw_labels.items())
    if isinstance(raw_labels, str) or not isinstance(raw_labels, Sequence):
        raise ValueError(
            f'{title}: raw_labels={raw_labels!r} is no list of pairs; expected'
            " e.g. [(0, None), (1, 'road')]"
        )
    keys = [_checked_key(pair, title) for pair in raw_labels]
    colors = _check_keys(keys, title)
    if colors is None and encoding not in ('index8', 'rgb16'):
        raise ValueError(
            f'{title}: label_encoding {encoding!r} is unknown; allowed: '
            "['index8', 'rgb16'] (colours in raw_labels need none)"
        )
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    known = np.zeros(256, bool)
    for key, (_, name) in zip(keys, raw_labels, strict=True):
        raw = key if colors is None else colors[key]
        known[raw] = True
        if name is not None:
            lut[raw] = view.indices_of((name,))[0]
    return LabelDecoder(
        name=f'labels of {title}',
        encoding=encoding if colors is None else 'color',
        lut=lut,
        known=known,
        colors=colors,
        mend='Complete raw_labels (None as the name ignores a label).',
    )


def _check_keys(keys: list, title: str) -> dict | None:
    """Refuse doubles and mixtures; number the colours, None for ids."""
    if len(set(keys)) < len(keys):
        twice = sorted({str(k) for k in keys if keys.count(k) > 1})
        raise ValueError(f'{title}: raw_labels lists {twice} more than once')
    is_color = [isinstance(key, tuple) for key in keys]
    if not any(is_color):
        return None
    if not all(is_color):
        raise ValueError(
            f'{title}: raw_labels mixes ids and colours; use one kind'
        )
    if len(keys) > 256:
        raise ValueError(
            f'{title}: raw_labels has {len(keys)} colours; at most 256'
        )
    return {color: i for i, color in enumerate(keys)}


def _checked_key(pair: Sequence, title: str) -> int | tuple[int, int, int]:
    """Return the id or colour of a pair in hashable form."""
    is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
    key = pair[0] if is_pair else None
    values = [key] if isinstance(key, int) else key
    is_valid = (
        isinstance(values, Sequence)
        and len(values) in (1, 3)
        and all(isinstance(v, int) and 0 <= v <= 255 for v in values)
    )
    if not is_valid:
        raise ValueError(
            f'{title}: raw_labels entry {pair!r} is no pair of an id 0..255 '
            'or an RGB colour and a class name (or None)'
        )
    return key if isinstance(key, int) else tuple(key)
