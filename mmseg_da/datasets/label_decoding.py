# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a raw label PNG to train ids, with every check."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image

from .class_views import IGNORE_INDEX, RAW_LABELS, ClassView, get_class_view
from .image_files import PngHeader, check_complete, parse_png_header

__all__ = [
    'ENCODINGS',
    'LABEL_FORMATS',
    'LabelDecoder',
    'check_label_format',
    'get_label_decoder',
    'train_id_decoder',
]

ENCODINGS = {
    'index8': '8-bit palette or grey, the value is the id',
    'rgb16': '16-bit RGB, the first channel (red) is the id',
    'color': '8-bit RGB, the colour stands for the label',
}
LABEL_FORMATS = ('raw', 'train_ids')

_TABLE_MENDS = {
    'synthia': 'GT/LABELS is read by SynthiaDataset, parsed_LABELS by '
    'SynthiaParsedDataset. Ids above 22 look like those of Cityscapes: this '
    'is a converted copy, give the labels of the download. ',
    'gta': 'The labels come from the label archives of the download. ',
    'cityscapes': 'The raw files are called *_labelIds.png. ',
}


@dataclass(frozen=True)
class LabelDecoder:
    """How the label files of one dataset become train ids.

    Args:
        name: What the values are called in errors, e.g. ``'gta labels'``.
        encoding: Key of :data:`ENCODINGS`.
        lut: uint8 array of shape (256,), raw id -> train id or 255.
        known: bool array of shape (256,): the ids the dataset defines.
        colors: For encoding 'color' the raw id of every RGB colour.
        mend: What to try when a file does not fit.
    """

    name: str
    encoding: str
    lut: np.ndarray = field(repr=False)
    known: np.ndarray = field(repr=False)
    colors: Mapping[tuple[int, int, int], int] | None = None
    mend: str = ''

    def decode(self, data: bytes, path: str) -> np.ndarray:
        """Decode a label file.

        Args:
            data: The bytes of the PNG.
            path: Its name, for errors.

        Returns:
            Train ids, uint8 array of shape (H, W), 255 = ignore.

        Raises:
            ValueError: Truncated file, another pixel format than the
                encoding asks for, or ids the dataset does not define. Ids are
                never mapped silently.
        """
        return self.decode_both(data, path)[1]

    def decode_both(
        self, data: bytes, path: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decode a label file and keep its raw ids.

        Args:
            data: The bytes of the PNG.
            path: Its name, for errors.

        Returns:
            Raw ids (for encoding 'color' the positions in the table) and
            train ids, uint8 arrays of shape (H, W).

        Raises:
            ValueError: See :meth:`decode`.
        """
        check_complete(data, path)
        header = parse_png_header(data, path)
        raw = self._read_ids(data, header, path)
        train = cv2.LUT(raw, self.lut)
        strange = cv2.LUT(raw, np.logical_not(self.known).astype(np.uint8))
        if cv2.countNonZero(strange):
            self._refuse_ids(raw, path)
        return raw, train

    def _read_ids(
        self, data: bytes, header: PngHeader, path: str
    ) -> np.ndarray:
        is_index = header.kind == 'palette' or (
            header.kind == 'grey' and header.bits == 8
        )
        if self.encoding == 'index8' and is_index:
            # OpenCV would turn palette indices into colours.
            with Image.open(io.BytesIO(data)) as image:
                return np.array(image, np.uint8)
        if self.encoding == 'rgb16' and str(header) == '16-bit RGB':
            # Pillow would drop the lower byte of 16-bit RGB.
            return self._narrow(_imdecode(data, path)[:, :, 2], path)
        if self.encoding == 'color' and str(header) == '8-bit RGB':
            return self._ids_of_colors(_imdecode(data, path), path)
        raise ValueError(
            f'{path}: this PNG is {header}, but {self.name} are '
            f'{ENCODINGS[self.encoding]}. {_pixel_hint(header)}{self.mend}'
        )

    def _narrow(self, raw: np.ndarray, path: str) -> np.ndarray:
        if raw.max(initial=0) > 255:
            self._refuse_ids(raw, path)
        return np.ascontiguousarray(raw, np.uint8)

    def _ids_of_colors(self, bgr: np.ndarray, path: str) -> np.ndarray:
        codes = sorted((_color_code(c), i) for c, i in self.colors.items())
        keys = np.array([code for code, _ in codes], np.int32)
        ids = np.array([i for _, i in codes], np.uint8)
        packed = bgr.astype(np.int32) @ np.array([1, 256, 65536], np.int32)
        found = np.minimum(np.searchsorted(keys, packed), len(keys) - 1)
        wrong = keys[found] != packed
        if wrong.any():
            code = int(packed[wrong][0])
            rgb = (code >> 16, code >> 8 & 255, code & 255)
            raise ValueError(
                f'{path}: colour {rgb} ({int(wrong.sum())} pixels of unknown '
                f'colours) is not in the colour table of {self.name}. Add it '
                f'to the table or check the label folder. {self.mend}'
            )
        return ids[found]

    def _refuse_ids(self, raw: np.ndarray, path: str) -> None:
        values, counts = np.unique(raw, return_counts=True)
        known = np.isin(values, np.flatnonzero(self.known))
        bad = {
            int(v): int(n)
            for v, n in zip(values[~known], counts[~known], strict=True)
        }
        first = ', '.join(f'{v} ({n} px)' for v, n in list(bad.items())[:8])
        more = f' and {len(bad) - 8} more' if len(bad) > 8 else ''
        raise ValueError(
            f'{path}: ids unknown to {self.name}: {first}{more}; defined ids: '
            f'{_ranges(np.flatnonzero(self.known))}. {self.mend}'
        )


def _imdecode(data: bytes, path: str) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError(
            f'{path}: cannot be decoded. Unpack or download it again.'
        )
    return image


def _color_code(rgb: tuple[int, int, int]) -> int:
    return rgb[0] << 16 | rgb[1] << 8 | rgb[2]


def _pixel_hint(header: PngHeader) -> str:
    if header.kind.startswith('RGB') and header.bits == 8:
        return 'It looks like a colour rendering, not like label ids. '
    if header.kind == 'grey' and header.bits == 16:
        return 'It looks like an instance or depth file. '
    return ''


def _ranges(ids: np.ndarray) -> str:
    """Write sorted ids briefly, e.g. '0..18, 255'."""
    parts = np.split(ids, np.flatnonzero(np.diff(ids) != 1) + 1)
    return ', '.join(
        f'{p[0]}' if len(p) == 1 else f'{p[0]}..{p[-1]}' for p in parts
    )


def train_id_decoder(view: ClassView) -> LabelDecoder:
    """Decoder of converted files: train ids 0..C-1 of a view and 255."""
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    lut[: view.num_classes] = np.arange(view.num_classes)
    known = np.zeros(256, bool)
    known[[*range(view.num_classes), IGNORE_INDEX]] = True
    return LabelDecoder(
        name=f'train-id labels of class view {view.name!r}',
        encoding='index8',
        lut=lut,
        known=known,
        mend='If the files are the raw ones of the download, set '
        "label_format='raw'.",
    )


def check_label_format(label_format: str) -> None:
    """Raise ValueError unless the value is one of ``LABEL_FORMATS``."""
    if label_format not in LABEL_FORMATS:
        raise ValueError(
            f'label_format {label_format!r} is unknown; allowed: '
            f"{list(LABEL_FORMATS)} ('raw' = files as downloaded)"
        )


@lru_cache(maxsize=64)
def get_label_decoder(
    label_table: str,
    class_view: str,
    encoding: str = 'index8',
    label_format: str = 'raw',
) -> LabelDecoder:
    """Return the decoder of a dataset's label files.

    Args:
        label_table: Key of :data:`RAW_LABELS`.
        class_view: Key of :data:`CLASS_VIEWS`.
        encoding: Key of :data:`ENCODINGS`; converted files ('train_ids')
            are always 'index8'.
        label_format: 'raw' for the files as downloaded, 'train_ids' for
            converted files that already hold 0..C-1 and 255.

    Raises:
        ValueError: Unknown argument value.
    """
    view = get_class_view(class_view)
    check_label_format(label_format)
    if label_format == 'train_ids':
        return train_id_decoder(view)
    if encoding not in ('index8', 'rgb16'):
        raise ValueError(
            f"label encoding {encoding!r} is unknown; allowed: ['index8', "
            "'rgb16']"
        )
    lut = view.lut(label_table)
    known = np.zeros(256, bool)
    known[[x.id for x in RAW_LABELS[label_table] if x.id >= 0]] = True
    return LabelDecoder(
        name=f'raw {label_table} labels',
        encoding=encoding,
        lut=lut,
        known=known,
        mend=_TABLE_MENDS.get(label_table, '')
        + 'Check that this is the right label folder and archive; '
        'converted files of train ids need '
        "label_format='train_ids' and their seg_map_suffix.",
    )
