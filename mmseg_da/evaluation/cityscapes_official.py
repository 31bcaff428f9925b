# SPDX-License-Identifier: Apache-2.0
"""Scores of the official Cityscapes scripts, as a function.

Wraps ``cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling``
(https://github.com/mcordts/cityscapesScripts), which is written as a program:
it reads environment variables, ends the process on an error, prints, and
calls a function that numpy 2.4 removed.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

_MODULE = 'cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling'
_GT_SUFFIX = '_gtFine_labelIds.png'
# Only read while the module is imported, and it raises on a bad value.
_ENVIRONMENT = ('CITYSCAPES_DATASET', 'CITYSCAPES_EXPORT_DIR')
_FRAME = re.compile(r'(?P<frame>[^_]+_\d+_\d+)(_.*)?\.png')


def frame_name(path: str | Path) -> str:
    """Return ``<city>_<sequence>_<frame>`` of a Cityscapes file name.

    Args:
        path: File whose name starts like
            ``frankfurt_000000_000294_leftImg8bit.png``.

    Raises:
        ValueError: The name has another form.
    """
    match = _FRAME.fullmatch(Path(path).name)
    if match is None:
        raise ValueError(
            f'{str(path)!r} is not named like a Cityscapes file: expected '
            '<city>_<sequence>_<frame>_<kind>.png, e.g. '
            'frankfurt_000000_000294_leftImg8bit.png.'
        )
    return match['frame']


def score_cityscapes(
    pred_dir: str | Path, gt_root: str | Path
) -> dict[str, float]:
    """Score a folder of label-id PNGs against Cityscapes ground truth.

    Args:
        pred_dir: Folder with one ``<city>_<sequence>_<frame>*.png`` per
            ground truth file, at any depth; 8-bit label ids at the size of
            the ground truth. Nothing is written to it.
        gt_root: Folder with ``*_gtFine_labelIds.png`` files, at any depth
            (``gtFine/val``).

    Returns:
        See :func:`score_cityscapes_pairs`.

    Raises:
        FileNotFoundError: A folder is missing, there is no ground truth, or
            a prediction is missing.
        ValueError: Two predictions for one frame, or a file does not fit.
        ImportError: The scripts or a dependency of them are missing.
    """
    for key, folder in (('pred_dir', pred_dir), ('gt_root', gt_root)):
        if not Path(folder).is_dir():
            raise FileNotFoundError(f'{key}: no folder {str(folder)!r}')
    truths = sorted(Path(gt_root).rglob(f'*{_GT_SUFFIX}'))
    if not truths:
        raise FileNotFoundError(
            f'gt_root: no *{_GT_SUFFIX} in {str(gt_root)!r}. Give the folder '
            'of one split, e.g. data/cityscapes/gtFine/val.'
        )
    found: dict[str, list[Path]] = {}
    for path in sorted(Path(pred_dir).rglob('*.png')):
        match = _FRAME.fullmatch(path.name)
        if match:
            found.setdefault(match['frame'], []).append(path)
    pairs = [(found.get(frame_name(truth), []), truth) for truth in truths]
    missing = [frame_name(truth) for paths, truth in pairs if not paths]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(truths)} predictions are missing in '
            f'{str(pred_dir)!r}, e.g. {missing[0]}*.png.'
        )
    for paths, truth in pairs:
        if len(paths) > 1:
            raise ValueError(
                f'several predictions for {truth.name}: '
                f'{[str(path) for path in paths[:3]]}. Score a folder with '
                'one PNG per frame.'
            )
    return score_cityscapes_pairs([(paths[0], gt) for paths, gt in pairs])


def score_cityscapes_pairs(
    pairs: Sequence[tuple[str | Path, str | Path]],
) -> dict[str, float]:
    """Score pairs of a prediction and its ``*_gtFine_labelIds.png``.

    The official mean counts all 19 classes that occur, also those that a
    16-class model cannot predict (their IoU is 0).

    Args:
        pairs: Prediction and ground truth files of label ids.

    Returns:
        Percentages: ``mIoU``, ``IoU.<class>`` of classes that occur,
        ``category_mIoU`` and, when every ``*_gtFine_instanceIds.png`` lies
        next to its label file, ``nIoU`` and ``category_nIoU``.

    Raises:
        ValueError: No pair, or a file cannot be scored; has the text of the
            official scorer.
        ImportError: The scripts or a dependency of them are missing.
    """
    if not pairs:
        raise ValueError('nothing to score: the list of pairs is empty')
    predictions = [str(prediction) for prediction, _ in pairs]
    truths = [str(truth) for _, truth in pairs]
    instances = all(
        os.path.isfile(truth.replace('labelIds', 'instanceIds'))
        for truth in truths
    )
    result = _evaluate(predictions, truths, instances)
    scores = {
        'mIoU': result['averageScoreClasses'],
        'category_mIoU': result['averageScoreCategories'],
    }
    if instances:
        scores['nIoU'] = result['averageScoreInstClasses']
        scores['category_nIoU'] = result['averageScoreInstCategories']
    for name, value in result['classScores'].items():
        if not math.isnan(value):
            scores[f'IoU.{name}'] = value
    return {name: 100 * float(value) for name, value in scores.items()}


def _evaluate(
    predictions: list[str], truths: list[str], instances: bool
) -> dict[str, Any]:
    """Run the scorer quietly on its own settings; exits become errors."""
    scripts = load_scripts()
    args = copy.copy(scripts.args)
    args.evalInstLevelScore = instances
    args.evalPixelAccuracy = False
    args.JSONOutput = False
    args.quiet = True
    output = io.StringIO()
    try:
        with (
            mock.patch.object(scripts, 'np', _NumpyWithIn1d('numpy')),
            contextlib.redirect_stdout(output),
        ):
            return scripts.evaluateImgLists(predictions, truths, args)
    except (SystemExit, IndexError, KeyError) as error:
        # IndexError, KeyError: an id that the label table does not have.
        reason = output.getvalue().strip() or f'unknown label id ({error})'
        raise ValueError(
            f'the official Cityscapes scorer refused the files: {reason}. '
            'Predictions must be single-channel 8-bit PNGs of label ids '
            '(0..33) at the size of the ground truth.'
        ) from error


class _NumpyWithIn1d(ModuleType):
    """numpy as the scorer knows it: ``in1d`` went with numpy 2.4."""

    in1d = staticmethod(np.isin)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def load_scripts() -> ModuleType:
    """Import the official scorer.

    Raises:
        ImportError: Names the module that is really missing, which may be a
            dependency of the scripts.
    """
    try:
        with _unset_environment(_ENVIRONMENT):
            return importlib.import_module(_MODULE)
    except ImportError as error:
        raise ImportError(
            'the official Cityscapes scorer cannot be imported: '
            f'{error}. Install it with its dependencies: '
            'pip install cityscapesscripts',
            name=error.name,
        ) from error


@contextlib.contextmanager
def _unset_environment(names: Sequence[str]) -> Iterator[None]:
    kept = {key: value for key, value in os.environ.items() if key in names}
    for key in kept:
        del os.environ[key]
    try:
        yield
    finally:
        os.environ.update(kept)
