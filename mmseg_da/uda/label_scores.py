# SPDX-License-Identifier: Apache-2.0
"""Features and scores of all images of a set, from networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmseg_da.engine.rng import evaluating

from .depth_model import DepthModel
from .label_choice import difficulty_error, entropy_score, pool_features
from .sde_parts import stack_disparities

__all__ = [
    'FEATURES',
    'collect_features',
    'depth_difficulty',
    'segmentation_entropy',
]

FEATURES: dict[str, Callable[[DepthModel, Tensor], Tensor]] = {
    'u3': lambda model, x: _decoded(model, x).features[3],
    'u4': lambda model, x: _decoded(model, x).features[4],
    'bottleneck': lambda model, x: model.encoder(x)[-1],
    'depth': lambda model, x: model.disparity(x),
    'logdepth': lambda model, x: model.disparity(x).log1p(),
}


def collect_features(
    model: nn.Module,
    dataset: Dataset,
    source: str = 'u3',
    size: Sequence[int] = (4, 8),
    pooling: str = 'avg',
    batch_size: int = 1,
    num_workers: int = 0,
) -> Tensor:
    """Pooled features of every image.

    Args:
        model: Depth network, a :class:`DepthModel`.
        dataset: Whole images without augmentation.
        source: Key of :data:`FEATURES`: ("upconv", 3) or 4 of the decoder,
            the last level of the encoder, disparity d or log(1 + d).
        size: Rows and columns after pooling.
        pooling: 'avg' or 'max'.
        batch_size: Images at a time.
        num_workers: Processes that load images.

    Returns:
        Tensor: (N, C, *size), float32 on the CPU.

    Raises:
        ValueError: No depth network, or an unknown source.
    """
    if not isinstance(model, DepthModel):
        raise ValueError(
            f'{type(model).__name__} is no depth network; give the config '
            'and checkpoint of one, e.g. configs/methods/sde-depth_swc.py'
        )
    if source not in FEATURES:
        raise ValueError(
            f'--features {source!r}; allowed: {", ".join(FEATURES)}'
        )
    parts = []
    with evaluating(model):
        for batch in _batches(dataset, batch_size, num_workers):
            images = model.data_preprocessor(batch, False)['inputs']
            features = FEATURES[source](model, images)
            parts.append(pool_features(features, size, pooling).float().cpu())
    return torch.cat(parts)


def depth_difficulty(
    model: nn.Module,
    dataset: Dataset,
    kind: str = 'abs_log',
    batch_size: int = 1,
    num_workers: int = 0,
) -> np.ndarray:
    """Error of a depth student on every image, float64 (N,).

    Args:
        model: The student, a :class:`DepthModel`.
        dataset: Whole images with the teacher's ``disparity``.
        kind: See :func:`difficulty_error`.
        batch_size: Images at a time.
        num_workers: Processes that load images.

    Raises:
        ValueError: No depth network, no disparity, or a diverged student.
    """
    if not isinstance(model, DepthModel):
        raise ValueError(
            f'--student: {type(model).__name__} is no depth network; give '
            'e.g. configs/methods/sde-depth-student_swc.py'
        )
    parts = []
    with evaluating(model):
        for batch in _batches(dataset, batch_size, num_workers):
            data = model.data_preprocessor(batch, False)
            images, samples = data['inputs'], data['data_samples']
            teacher = stack_disparities(samples, 'selection_images')
            student = model.disparity(images).float()
            teacher = teacher.to(student.device)
            parts.append(difficulty_error(student, teacher, kind).cpu())
    return _finite(torch.cat(parts))


def segmentation_entropy(
    model: nn.Module,
    dataset: Dataset,
    batch_size: int = 1,
    num_workers: int = 0,
) -> np.ndarray:
    """Mean normalised entropy of the prediction of every image, (N,).

    Args:
        model: A segmentor or adaptation method.
        dataset: Whole images with the pipeline of a test; predictions are
            made at the size that they have there (``PredictAtInputSize``).
        batch_size: Images at a time.
        num_workers: Processes that load images.

    Raises:
        ValueError: A model that gives no class scores, or a diverged one.
    """
    parts = []
    with evaluating(model):
        for batch in _batches(dataset, batch_size, num_workers):
            for sample in model.test_step(batch):
                if 'seg_logits' not in sample:
                    raise ValueError(
                        f'--student: {type(model).__name__} segments nothing; '
                        'entropy needs the config of a segmentation network'
                    )
                parts.append(entropy_score(sample.seg_logits.data[None]).cpu())
    return _finite(torch.cat(parts))


def _decoded(model: DepthModel, images: Tensor):
    return model.decoder(model.encoder(images))


def _batches(
    dataset: Dataset, batch_size: int, num_workers: int
) -> DataLoader:
    """Batches in order."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        num_workers=num_workers,
        collate_fn=pseudo_collate,
    )


def _finite(scores: Tensor) -> np.ndarray:
    if not torch.isfinite(scores).all():
        bad = int((~torch.isfinite(scores)).sum())
        raise ValueError(
            f'{bad} of {len(scores)} scores are not finite: the student has '
            'diverged; lower its learning rate'
        )
    return scores.numpy()
