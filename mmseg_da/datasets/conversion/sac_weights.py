# SPDX-License-Identifier: Apache-2.0
"""Importance weights in the files of SAC (Araslanov and Roth, CVPR 2021).

The authors' ``.data`` files hold ``{label file: {class: share}}`` with NumPy
numbers, written by ``torch.save``; ours the same as JSON, ``{image stem:
{"class": share}}``. A share is the part of all pixels of the class that lie
in the image.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_da.utils.checkpoints import load_checkpoint
from mmseg_da.utils.files import write_json

from ..class_views import ClassView
from .class_stats import ClassStats

__all__ = ['export_sac', 'import_sac', 'read_sac_weights']

_SUFFIXES = ('_gtFine_labelIds.png', '_leftImg8bit.png', '.png')
# What the shares of a class may miss of 1 (as in the reference).
_TOLERANCE = 1e-3


def import_sac(path: str | Path, view: ClassView) -> ClassStats:
    """Read importance weights as class statistics.

    Args:
        path: ``.data`` file of the authors or JSON of :func:`export_sac`.
        view: Class view of the train ids.

    Returns:
        Statistics with ``unit='share'``, named by the images' stems.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is no such file, needs pickled code, has ids outside
            the view, shares outside [0, 1], or shares of a class that do
            not sum to 1.
    """
    weights = read_sac_weights(path)
    if not weights:
        raise ValueError(f'{path}: names no image')
    shares = np.zeros((len(weights), view.num_classes))
    for row, (stem, entry) in zip(shares, weights.items(), strict=True):
        for index, share in entry.items():
            if not 0 <= index < view.num_classes:
                raise ValueError(
                    f'{path}: class id {index} of {stem} is not a train ID '
                    f'(0..{view.num_classes - 1}); did you pass the cs/ '
                    'folder? The weights are computed from its parent.'
                )
            if not 0 <= share <= 1:
                raise ValueError(
                    f'{path}: share {share} of class {index} in {stem} is '
                    'outside [0, 1]; expected the part of all its pixels'
                )
            row[index] = share
    totals = shares.sum(0)
    wrong = np.flatnonzero((totals > 0) & (np.abs(totals - 1) > _TOLERANCE))
    if len(wrong):
        raise ValueError(
            f'{path}: the shares of class {wrong[0]} sum to '
            f'{totals[wrong[0]]:.6f}, expected 1; is the file complete?'
        )
    return ClassStats(
        tuple(weights), shares, view.name, view.classes, unit='share'
    )


def export_sac(
    stats: ClassStats, path: str | Path, overwrite: bool = False
) -> None:
    """Write importance weights as JSON, ``{stem: {"class": share}}``.

    Args:
        stats: Pixels or shares.
        path: File to write.
        overwrite: Replace it.

    Raises:
        FileExistsError: It exists.
        ValueError: Two images have the same file name.
    """
    if Path(path).exists() and not overwrite:
        raise FileExistsError(
            f'{path} exists; give another name or --overwrite'
        )
    counts = stats.counts.astype(np.float64)
    shares = counts / np.maximum(counts.sum(0), np.finfo(float).tiny)
    content = {
        # The last part, which names a label file too.
        name.rpartition('/')[2]: {
            str(i): float(row[i]) for i in np.flatnonzero(row)
        }
        for name, row in zip(stats.names, shares, strict=True)
    }
    if len(content) < len(stats.names):
        raise ValueError(
            f'{path}: {len(stats.names)} images have {len(content)} '
            'different file names; these files cannot tell them apart'
        )
    write_json(path, content)


def read_sac_weights(path: str | Path) -> dict[str, dict[int, float]]:
    """Read either kind of file; no pickled code is run.

    Args:
        path: ``.data`` or JSON file.

    Returns:
        Stem of every image -> class -> share.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is no such file or needs pickled code.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such file of importance weights; expected a '
            '.data file of the SAC authors or a JSON file. Without weights '
            'leave ClassCyclePolicy out: images are then drawn uniformly.'
        )
    is_json = path.read_bytes()[:1] == b'{'
    content = _read_json(path) if is_json else load_checkpoint(path)
    try:
        weights = {
            _stem(name): {int(k): float(v) for k, v in entry.items()}
            for name, entry in content.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: are no importance weights ({error}); expected '
            '{image: {class id: share}}'
        ) from None
    if any(not math.isfinite(v) for x in weights.values() for v in x.values()):
        raise ValueError(f'{path}: holds a share that is not finite')
    if len(weights) < len(content):
        raise ValueError(
            f'{path}: has {len(content)} entries of {len(weights)} different '
            'images'
        )
    return weights


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path}: is no JSON file ({error})') from None


def _stem(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
