# SPDX-License-Identifier: Apache-2.0
"""Whether data sets, model and metrics of a config have the same classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from torch import nn

from mmseg_da.utils.class_claims import (
    Claim,
    class_weight_problems,
    dataset_claims,
    disagreement,
    metric_claim,
    model_claims,
)

from ..report import Check
from .config_datasets import DatasetUse

__all__ = ['class_view_checks', 'config_claims']


def config_claims(
    cfg: Config,
    datasets: Sequence[tuple[DatasetUse, BaseDataset]],
    model: nn.Module | None,
) -> list[Claim]:
    """What every part of a config says about its classes.

    Args:
        cfg: The config, for its metrics.
        datasets: The data sets that could be built.
        model: The model, None if it cannot be built.
    """
    claims = [] if model is None else model_claims(model)
    for use, dataset in datasets:
        claims += dataset_claims(dataset, use.title)
    for key in ('val_evaluator', 'test_evaluator'):
        metrics = cfg.get(key) or []
        metrics = metrics if isinstance(metrics, (list, tuple)) else [metrics]
        for metric in metrics:
            name = f'{key} ({metric.get("type")})'
            claim = metric_claim(name, metric.get('class_view'))
            claims += [claim] if claim is not None else []
    return claims


def class_view_checks(
    claims: Sequence[Claim], model: nn.Module | None
) -> Iterator[Check]:
    """Compare the classes of all parts.

    Args:
        claims: What they say, see :func:`config_claims`.
        model: The model, for the class weights of its losses.
    """
    text, _, advice = disagreement(claims).rpartition('\n')
    if text:
        yield Check('class views', 'fail', text, advice)
    else:
        views = sorted({claim.view for claim in claims if claim.view})
        value = f'{", ".join(views) or "no view named"}: '
        value += f'{len(claims)} parts of the config agree'
        yield Check('class views', 'ok', value)
    for problem in class_weight_problems(model) if model is not None else ():
        value, _, advice = problem.partition('; ')
        yield Check('class weights', 'fail', value, advice)
