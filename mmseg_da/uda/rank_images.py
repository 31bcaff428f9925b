# SPDX-License-Identifier: Apache-2.0
"""Run an entropy ranking over the images of a set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from torch import nn
from torch.utils.data import DataLoader

from mmseg_da.engine.rng import evaluating
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric

__all__ = ['build_ranking_loader', 'list_entries', 'rank_images']


def build_ranking_loader(
    dataset: Mapping[str, Any], batch_size: int = 1, num_workers: int = 0
) -> DataLoader:
    """Data loader of the images to rank; every process gets its share once.

    Args:
        dataset: Config of an unlabelled set whose pipeline is that of a test
            and ends in ``PackUDAInputs``. Predictions are made at the size
            that its images have there.
        batch_size: Images at a time; changes nothing but rounding.
        num_workers: Worker processes.

    Raises:
        FileNotFoundError: The images are missing.
        ValueError: The config has no pipeline.
    """
    init_default_scope('mmseg')
    steps = list(dataset.get('pipeline', ()))
    if not steps:
        raise ValueError(
            f'the dataset to rank ({dataset.get("type")}) has no pipeline; '
            "give loading, resize and dict(type='PackUDAInputs')"
        )
    steps.insert(-1, dict(type='PredictAtInputSize'))
    config = {**dataset, 'pipeline': steps, 'test_mode': True}
    built = DATASETS.build(config)
    built.full_init()
    return DataLoader(
        built,
        batch_size=batch_size,
        num_workers=num_workers,
        sampler=DefaultSampler(built, shuffle=False, seed=0, round_up=False),
        collate_fn=pseudo_collate,
    )


def list_entries(dataset: Any) -> dict[str, str]:
    """Path of every image -> its entry in a list file.

    An entry is the path below the image folder with suffix, e.g.
    'aachen/aachen_000000_000019_leftImg8bit.png'.

    Args:
        dataset: A dataset of this package or of mmseg.
    """
    entries = {}
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        path = info['img_path']
        stem = info.get('sample_stem') or path.rpartition('/')[2]
        entries[path] = path[path.rindex(stem) :]
    return entries


def rank_images(
    model: nn.Module,
    loader: DataLoader,
    metric: EntropyRankingMetric,
) -> dict[str, float]:
    """Predict every image and write the artefact.

    The network runs in eval mode with the BatchNorm statistics it has;
    afterwards its mode and the random generators are as before. In a
    distributed run every process has to call it.

    Args:
        model: A segmentor or adaptation method, also wrapped for DDP.
        loader: From :func:`build_ranking_loader`.
        metric: Where the ranking goes.

    Returns:
        The results of the metric.

    Raises:
        ValueError: See :class:`EntropyRankingMetric`.
        FileExistsError: The artefact is finished already.
    """
    network = model.module if is_model_wrapper(model) else model
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = loader.dataset.metainfo
    try:
        with evaluating(network):
            for batch in loader:
                evaluator.process(network.test_step(batch), batch)
            return evaluator.evaluate(len(loader.dataset))
    finally:
        metric.close()
