# SPDX-License-Identifier: Apache-2.0
"""Entropy rankings that the configs of the suite read, made of noise."""

from __future__ import annotations

from pathlib import Path

import contract
import filelock
import torch
import torch.nn.functional as F

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric
from mmseg_da.uda.rank_images import list_entries


def write_rankings(street_world: Path) -> Path:
    """Write every ranking that a config asks for, once.

    Args:
        street_world: Root of the data; made by several xdist workers' tests.

    Returns:
        The artefact store.
    """
    root = street_world / 'artifacts'
    store = ArtifactStore(root)
    with filelock.FileLock(street_world / 'rankings.lock'):
        for entry in _required():
            if not store.is_finished('entropy_ranking', entry['key']):
                write_ranking(
                    root,
                    entry['key'],
                    street_world / 'cityscapes',
                    entry['expect']['class_view'],
                    **entry['expect'].get('meta', {}),
                )
    return root


def write_ranking(
    root: Path,
    key: str,
    cityscapes: Path,
    class_view: str = 'cityscapes19',
    **options,
) -> ArtifactStore:
    """Rank the training images by seeded noise, at 128 x 64."""
    dataset = CityscapesRawDataset(
        data_root=str(cityscapes), labeled=False, class_view=class_view
    )
    images = list_entries(dataset)
    metric = EntropyRankingMetric(str(root), key, images=images, **options)
    metric.dataset_meta = dataset.metainfo
    generator = torch.Generator().manual_seed(0)
    classes = len(dataset.metainfo['classes'])
    for index, path in enumerate(images):
        noise = torch.randn(1, classes, 4, 8, generator=generator)
        logits = F.interpolate(noise * (index + 1), (64, 128))
        sample = dict(
            seg_logits=dict(data=logits[0]),
            img_path=path,
            img_shape=(64, 128),
            ori_shape=(64, 128),
        )
        metric.process(None, [sample])
    metric.evaluate(len(images))
    return ArtifactStore(root)


def _required() -> list[dict]:
    found = {}
    for path in contract.CONFIGS:
        cfg = contract.parsed(path)
        for hook in cfg.get('custom_hooks', []):
            if hook['type'] == 'ArtifactCheckHook':
                for entry in hook['required']:
                    if entry['kind'] == 'entropy_ranking':
                        found[entry['key']] = entry
    return list(found.values())
