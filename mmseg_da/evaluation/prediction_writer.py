# SPDX-License-Identifier: Apache-2.0
"""Predictions as PNG files, in a folder that only this code writes to."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from PIL import Image
from torch import Tensor

from mmseg_da.utils.files import atomic_write, write_json
from mmseg_da.utils.main_process import main_process_first

from .prediction_extras import overlay, soft_mask, write_soft_mask
from .views import classes_of

_MARKER = 'predictions.json'
_IMAGE_SUFFIX = '_leftImg8bit'


@METRICS.register_module()
class PredictionWriter(BaseMetric):
    """Write predictions as ``<output_dir>/train_ids/<image stem>.png``.

    8-bit PNGs of train ids, one channel, size of the original image;
    ``predictions.json`` marks the folder as ours and names the classes. A
    folder with other content is refused, nothing is ever deleted, and every
    file appears whole or not at all. There are no scores.

    Args:
        output_dir: Folder to write; new, empty, or of an earlier run.
        color: Also write ``<output_dir>/color/*.png`` in the palette.
        soft: Also write ``<output_dir>/soft/<frame>_soft.npz`` with the
            probabilities ``raw``, float32 (C, H, W); 160 MB an image before
            compression at 2048 x 1024. ``<frame>`` is the image's stem
            without ``_leftImg8bit``.
        overlay: Also write ``<output_dir>/overlay/*.png``: 0.3 of the image
            and 0.7 of the colours, beside it the labels where there are any.
        name_suffix: Put in the place of ``_leftImg8bit`` at the end of an
            image's stem; ``'_gtFine_labelIds'`` gives the names SAC uses.
        collect_device: ``'cpu'`` or ``'gpu'``, for several processes.
        prefix: Put before the names of the results, with a slash.

    Raises:
        FileExistsError: ``output_dir`` holds something else.
    """

    default_prefix = 'predictions'
    kind = 'train_ids'

    def __init__(
        self,
        output_dir: str,
        color: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        soft: bool = False,
        overlay: bool = False,
        name_suffix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.output_dir = Path(output_dir).expanduser().absolute()
        self.color = color
        self.soft = soft
        self.overlay = overlay
        self.name_suffix = name_suffix
        # A process that did not wait could write its first files before the
        # folder was looked at, which then would seem to hold something else.
        main_process_first(partial(_claim_folder, self.output_dir, self.kind))

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Write the predictions of a batch.

        Args:
            data_batch: Not used.
            data_samples: Predictions with ``pred_sem_seg`` data (1, H, W) of
                train ids, ``img_path`` and ``ori_shape``.

        Raises:
            ValueError: The file name, size or a value does not fit.
        """
        for sample in data_samples:
            ids = _train_ids(sample, len(classes_of(self.dataset_meta)))
            path = self.path_of(sample['img_path'])
            write_png(path, self.encode(ids))
            self.write_extras(sample, ids, path.stem)
            self.results.append((str(path), self.label_of(sample)))

    def write_extras(self, sample: dict, ids: np.ndarray, name: str) -> None:
        """Write what was asked for beside a prediction.

        Args:
            sample: The prediction.
            ids: Its train ids, uint8 (H, W).
            name: Stem of the files.
        """
        palette = np.array(self.dataset_meta.get('palette', ()), np.uint8)
        folder = self.output_dir
        if self.color:
            write_png(folder / 'color' / f'{name}.png', palette[ids])
        if self.overlay:
            picture = overlay(sample, ids, palette)
            write_png(folder / 'overlay' / f'{name}.png', picture)
        if self.soft:
            frame = _frame(sample['img_path'])
            path = folder / 'soft' / f'{frame}_soft.npz'
            write_soft_mask(path, soft_mask(sample))

    def path_of(self, img_path: str) -> Path:
        """File that the prediction of an image is written to."""
        name = Path(img_path).stem
        if self.name_suffix is not None:
            name = _frame(img_path) + self.name_suffix
        return self.output_dir / self.kind / f'{name}.png'

    def encode(self, ids: np.ndarray) -> np.ndarray:
        """Pixels to write for train ids, both uint8 (H, W)."""
        return ids

    def label_of(self, sample: dict) -> str:
        """Label file to score against, '' for none."""
        return ''

    def compute_metrics(
        self, results: list[tuple[str, str]]
    ) -> dict[str, float]:
        """Check that every image got a file of its own.

        Args:
            results: Prediction and label file ('' if none) of every image.

        Returns:
            No scores.

        Raises:
            ValueError: Two images have the same file name.
        """
        counts = Counter(path for path, _ in results)
        repeated = [path for path, count in counts.items() if count > 1]
        if repeated:
            raise ValueError(
                f'{len(repeated)} predictions were written twice, e.g. '
                f'{repeated[0]}: several images of the data set have the same '
                'file name. Test their folders one after the other.'
            )
        old = {str(p) for p in (self.output_dir / self.kind).glob('*.png')}
        old.difference_update(counts)
        if old:
            print_log(
                f'{len(old)} PNGs of earlier runs were left in the folder, '
                f'e.g. {min(old)}',
                logger='current',
                level=logging.WARNING,
            )
        print_log(
            f'{len(results)} predictions ({self.kind}) are in '
            f'{self.output_dir}',
            logger='current',
        )
        if is_main_process():
            classes = list(classes_of(self.dataset_meta))
            _write_marker(self.output_dir, self.kind, classes)
        return {}


def _frame(img_path: str) -> str:
    return Path(img_path).stem.removesuffix(_IMAGE_SUFFIX)


def _claim_folder(folder: Path, kind: str) -> None:
    """Make the folder ours, or raise when it holds something else."""
    if folder.exists():
        if not folder.is_dir():
            raise FileExistsError(f'output_dir={str(folder)!r} is a file')
        # A kill while the marker is written leaves a temporary dot file.
        content = [p for p in folder.iterdir() if not p.name.startswith('.')]
        if content and not _is_ours(folder, kind):
            raise FileExistsError(
                f'output_dir={str(folder)!r} is not empty and was not written '
                f'by a test run that writes {kind}. Give a new or empty '
                'folder; nothing was changed.'
            )
    # The marker first: after a kill in between the folder is still ours.
    _write_marker(folder, kind, None)
    (folder / kind).mkdir(exist_ok=True)


def _write_marker(folder: Path, kind: str, classes: list[str] | None) -> None:
    write_json(
        folder / _MARKER,
        {
            'format': 'mmseg_da.predictions',
            'version': 1,
            'kind': kind,
            'classes': classes,
        },
    )


def _is_ours(folder: Path, kind: str) -> bool:
    try:
        content = json.loads((folder / _MARKER).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and (
        content.get('format') == 'mmseg_da.predictions'
        and content.get('kind') == kind
    )


def _train_ids(sample: dict, num_classes: int) -> np.ndarray:
    """Prediction (H, W) as checked train ids, uint8."""
    data: Tensor = sample['pred_sem_seg']['data']
    ids = data.squeeze(0).cpu().numpy()
    expected = tuple(sample['ori_shape'][:2])
    if ids.shape != expected:
        raise ValueError(
            f'{sample["img_path"]}: prediction of {ids.shape}, but the '
            f'image has {expected} (height, width); predictions are written '
            'at the original size.'
        )
    if ids.min() < 0 or ids.max() >= num_classes:
        raise ValueError(
            f'{sample["img_path"]}: prediction holds train ids '
            f'{ids.min()}..{ids.max()}, expected 0..{num_classes - 1}. Give '
            'the model and the data the same class view.'
        )
    return ids.astype(np.uint8)


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write an uint8 picture, (H, W) or (H, W, 3), atomically."""
    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, format='PNG')
