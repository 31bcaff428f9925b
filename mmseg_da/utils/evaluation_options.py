# SPDX-License-Identifier: Apache-2.0
"""Changes that the options of ``tools/test.py`` make to a config."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config, ConfigDict

from mmseg_da.datasets.class_views import get_class_view

from .config_options import class_parameters

OUT_EXTRAS = ('color', 'soft', 'overlay', 'train_ids')
# Protocol of the config's own test pipeline.
FULL = 'full'
_LABEL_LOADERS = ('LoadRawLabels', 'LoadAnnotations')


def use_tta(cfg: Config) -> None:
    """Wrap the model for test-time augmentation.

    Args:
        cfg: Config with ``tta_model`` and ``tta_pipeline``; changed.

    Raises:
        ValueError: One of the two keys is missing.
    """
    missing = [
        key for key in ('tta_model', 'tta_pipeline') if not cfg.get(key)
    ]
    if missing:
        raise ValueError(
            f'--tta: the config has no {" and no ".join(missing)}. Add '
            "tta_model = dict(type='SegTTAModel') and a tta_pipeline that "
            "ends with dict(type='TestTimeAug', transforms=[...])."
        )
    for dataset in _datasets(cfg.test_dataloader.dataset):
        dataset['pipeline'] = copy.deepcopy(cfg.tta_pipeline)
    cfg.model = ConfigDict({**cfg.tta_model, 'module': cfg.model})


def use_protocol(cfg: Config, name: str) -> None:
    """Score by another protocol than that of the test pipeline.

    Args:
        cfg: Config; its test data sets get ``test_protocols[name]``, a test
            pipeline.
        name: Of a protocol; 'full' leaves the config as it is.

    Raises:
        ValueError: The config has no such protocol.
    """
    if name == FULL:
        return
    known = dict(cfg.get('test_protocols') or {})
    if name not in known:
        allowed = ', '.join([FULL, *known])
        raise ValueError(
            f'--protocol {name}: this config knows {allowed}. Others are test '
            'pipelines: test_protocols = dict(NAME=[...]) in the config.'
        )
    for dataset in _datasets(cfg.test_dataloader.dataset):
        dataset['pipeline'] = copy.deepcopy(known[name])


def save_predictions(
    cfg: Config,
    folder: str,
    format_only: bool,
    extras: Sequence[str] = (),
) -> None:
    """Write the predictions of a test run as PNGs.

    Cityscapes data with one label id per class give a submission, scored
    officially unless ``format_only``; other data give PNGs of train ids.

    Args:
        cfg: Config; its ``test_evaluator``, a dict or a list, is changed.
        folder: Folder to write.
        format_only: Write only; drop all metrics and the labels.
        extras: What to write beside them, of :data:`OUT_EXTRAS`.
    """
    writer = {'type': 'PredictionWriter', 'output_dir': folder}
    writer.update(dict.fromkeys(extras, True))
    datasets = list(_datasets(cfg.test_dataloader.dataset))
    if all(_is_submittable(dataset) for dataset in datasets):
        writer['type'] = 'CityscapesSubmission'
        writer['format_only'] = format_only
    elif writer.pop('train_ids', False):
        writer['name_suffix'] = '_gtFine_labelIds'
    metrics = cfg.test_evaluator
    metrics = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    cfg.test_evaluator = [*([] if format_only else metrics), writer]


def drop_labels(cfg: Config) -> None:
    """Let the test run on a split without label files.

    Args:
        cfg: Config; its test data sets and their pipelines are changed.
    """
    for dataset in _datasets(cfg.test_dataloader.dataset):
        dataset['pipeline'] = _without_labels(dataset.get('pipeline', []))
        if 'seg_map_path' in dataset.get('data_prefix', {}):
            del dataset['data_prefix']['seg_map_path']
        if _takes(dataset['type'], 'labeled'):
            dataset['labeled'] = False


def show_predictions(cfg: Config, folder: str) -> None:
    """Draw every prediction into ``<folder>/vis_data/vis_image``.

    Args:
        cfg: Config; its visualisation hook and visualizer are changed.
        folder: Absolute path (a relative one would land wherever mmengine
            happens to run).
    """
    hooks = cfg.setdefault('default_hooks', ConfigDict())
    hook = hooks.get('visualization') or {'type': 'SegVisualizationHook'}
    hooks['visualization'] = {**hook, 'draw': True}
    visualizer = cfg.get('visualizer') or {'type': 'SegLocalVisualizer'}
    cfg.visualizer = ConfigDict(
        {
            **visualizer,
            'vis_backends': [{'type': 'LocalVisBackend'}],
            'save_dir': os.path.abspath(folder),
        }
    )


def _datasets(cfg: Mapping) -> Iterator[Any]:
    """The plain data sets inside of wrappers such as ConcatDataset."""
    if 'datasets' in cfg:
        for inner in cfg['datasets']:
            yield from _datasets(inner)
    elif 'dataset' in cfg:
        yield from _datasets(cfg['dataset'])
    else:
        yield cfg


def _is_submittable(dataset: Mapping) -> bool:
    """Whether predictions can be written as Cityscapes label ids."""
    if 'Cityscapes' not in str(dataset['type']):
        return False
    view = get_class_view(dataset.get('class_view') or 'cityscapes19')
    own = dataset.get('classes') or dataset.get('metainfo', {}).get('classes')
    if own and tuple(own) != view.classes:
        return False
    ids = view.raw_to_train.get('cityscapes', {})
    return len(ids) == view.num_classes == len(set(ids.values()))


def _without_labels(pipeline: list) -> list:
    """Remove label loaders, also from the branches of TestTimeAug.

    A branch that would be left empty goes too: TestTimeAug takes the product
    of its branches, and the product with nothing is nothing.
    """
    kept = []
    for step in pipeline:
        if isinstance(step, (list, tuple)):
            step = _without_labels(step)
            if step:
                kept.append(step)
        elif step['type'] not in _LABEL_LOADERS:
            if 'transforms' in step:
                inner = _without_labels(step['transforms'])
                step = {**step, 'transforms': inner}
            kept.append(step)
    return kept


def _takes(type_: str, argument: str) -> bool:
    parameters = class_parameters(type_)
    return parameters is not None and argument in parameters
