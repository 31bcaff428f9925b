# SPDX-License-Identifier: Apache-2.0
"""Disparities of a depth network as an artefact of PNG files."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from mmengine.dataset import pseudo_collate
from mmengine.dist import get_dist_info
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from mmseg_da.datasets.base_dataset import RawSegDataset
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.rng import evaluating

__all__ = [
    'ENCODINGS',
    'KIND',
    'build_export_dataset',
    'encode_disparity',
    'export_disparities',
]

KIND = 'disparity'
# Name -> bits per pixel.
ENCODINGS = {'minmax8': 8, 'raw16': 16}
_PENDING = 32


def encode_disparity(disparity: np.ndarray, encoding: str) -> np.ndarray:
    """Disparity as the pixels of a PNG.

    Args:
        disparity: (H, W) in [0, 1].
        encoding: 'minmax8', floor(255 (d - min) / (max - min)) of the whole
            image (zeros if it is constant), or 'raw16', floor(65535 d).

    Returns:
        uint8 or uint16 (H, W).

    Raises:
        ValueError: An unknown encoding, or values that are not in [0, 1].
    """
    if encoding not in ENCODINGS:
        raise ValueError(
            f'encoding={encoding!r}; allowed: {", ".join(ENCODINGS)}'
        )
    values = disparity.astype(np.float64)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f'disparities are {low}..{high}, expected 0..1; the network has '
            'diverged or its output is no sigmoid'
        )
    if encoding == 'raw16':
        return np.floor(65535 * values).astype(np.uint16)
    if high == low:
        return np.zeros(values.shape, np.uint8)
    return np.floor(255 * (values - low) / (high - low)).astype(np.uint8)


def build_export_dataset(
    settings: Mapping[str, Any], split: str | None = None
) -> RawSegDataset:
    """The images to export, with the pipeline of a test.

    Args:
        settings: Config of an unlabelled dataset of this package.
        split: Overrides the split.

    Raises:
        ValueError: Another kind of dataset, or no pipeline.
        FileNotFoundError: The images are missing.
    """
    init_default_scope('mmseg')
    config = {**settings, 'test_mode': True}
    if split is not None:
        config['split'] = split
    if not config.get('pipeline'):
        raise ValueError(
            f'the images to export ({config.get("type")}) have no pipeline; '
            "give loading, resize and dict(type='PackUDAInputs')"
        )
    dataset = DATASETS.build(config)
    if not isinstance(dataset, RawSegDataset):
        raise ValueError(
            f'{type(dataset).__name__} has no stable image names; use a '
            'dataset of this package (RawSegDataset)'
        )
    dataset.full_init()
    return dataset


def export_disparities(
    model: nn.Module,
    dataset: RawSegDataset,
    store: ArtifactStore,
    key: str,
    encoding: str,
    producer: Mapping[str, str],
    batch_size: int = 1,
    num_workers: int = 0,
    overwrite: bool = False,
    clear: bool = False,
) -> int:
    """Write ``<stem>.png`` of every image, or go on where a run stopped.

    Every file of an interrupted run is checked, none is taken for granted.
    PNGs are compressed by threads beside the network. In a distributed run
    every process calls it and does its share.

    Args:
        model: With ``data_preprocessor`` and ``disparity(images)``.
        dataset: From :func:`build_export_dataset`.
        store: Artefact store.
        key: Name of the artefact.
        encoding: See :func:`encode_disparity`.
        producer: From ``make_producer``.
        batch_size: Images at a time.
        num_workers: Processes that load images.
        overwrite: Replace a finished artefact.
        clear: Throw away a half-written one of another origin.

    Returns:
        Number of images that this process made.

    Raises:
        ValueError: The model predicts no disparity, or see above.
        FileExistsError: The artefact is finished.
    """
    if not callable(getattr(model, 'disparity', None)):
        raise ValueError(
            f'{type(model).__name__} predicts no disparity; give the config '
            'of a depth model, e.g. configs/methods/sde-depth_swc.py'
        )
    encode_disparity(np.zeros((1, 1)), encoding)
    stems = [
        dataset.get_data_info(i)['sample_stem'] for i in range(len(dataset))
    ]
    meta = {
        'encoding': encoding,
        'dataset': dataset.dataset_name,
        'split': dataset.split,
        'num_images': len(stems),
    }
    options = {'meta': meta, 'overwrite': overwrite, 'clear': clear}
    with store.writer(KIND, key, producer, **options) as writer:
        rank, world = get_dist_info()
        todo = [i for i, stem in enumerate(stems) if stem not in writer.done]
        mine = todo[rank::world]
        maps = _predict(model, dataset, mine, batch_size, num_workers)
        with evaluating(model):
            for index, png in _encoded(zip(mine, maps, strict=True), encoding):
                stem = stems[index]
                writer.write(stem, {f'{stem}.png': png})
    return len(mine)


def _predict(
    model: nn.Module,
    dataset: RawSegDataset,
    indices: list[int],
    batch_size: int,
    num_workers: int,
) -> Iterator[np.ndarray]:
    """Disparity (H, W) of every image, at the size of the network input."""
    loader = DataLoader(
        Subset(dataset, indices),
        batch_size=batch_size,
        num_workers=num_workers,
        collate_fn=pseudo_collate,
    )
    for batch in loader:
        inputs = model.data_preprocessor(batch, False)['inputs']
        maps: Tensor = model.disparity(inputs).float()
        yield from maps[:, 0].cpu().numpy()


def _encoded(
    maps: Iterator[tuple[int, np.ndarray]], encoding: str
) -> Iterator[tuple[int, bytes]]:
    """PNGs in order, compressed by a few threads."""
    warned = False
    waiting: deque[tuple[int, Future]] = deque()
    with ThreadPoolExecutor() as pool:
        for index, disparity in maps:
            if not warned and not np.ptp(disparity):
                warned = True
                print_log(
                    'a predicted disparity is constant '
                    f'({disparity.flat[0]:.4f}); the depth network has '
                    'probably collapsed, train it with another seed',
                    'current',
                    level=logging.WARNING,
                )
            waiting.append((index, pool.submit(_png, disparity, encoding)))
            while len(waiting) > _PENDING:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def _png(disparity: np.ndarray, encoding: str) -> bytes:
    done, data = cv2.imencode('.png', encode_disparity(disparity, encoding))
    if not done:
        raise ValueError('OpenCV could not encode a PNG')
    return data.tobytes()
