# SPDX-License-Identifier: Apache-2.0
"""What the choice of labels reads: images, a depth network, students."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.datasets.base_dataset import RawSegDataset
from mmseg_da.datasets.conversion.sources import build_dataset
from mmseg_da.engine.artifacts import MANIFEST, ArtifactStore
from mmseg_da.engine.hashing import hash_config, hash_file, make_producer
from mmseg_da.utils.tool_runner import load_config

from . import label_choice, label_procedure, label_scores, label_student
from .disparity_command import find_export_images
from .disparity_export import build_export_dataset
from .label_procedure import METHODS
from .network_command import load_model, pick_device

__all__ = ['LabelSources']

_CITYSCAPES_TRAIN = 2975


class LabelSources:
    """Distances and scores of the images of a command line.

    Everything is checked here, before a network runs.

    Args:
        args: Options of ``label_selection``.
        work_dir: Folder of the students and of the distances.

    Attributes:
        dataset: All images, in the order of the positions.
        stems: Their names.
        producer: From ``make_producer``: configs, weights, disparities,
            options and code.

    Raises:
        ValueError: Configs or data that do not fit together.
        FileNotFoundError: A missing config, checkpoint or disparity.
    """

    def __init__(self, args: argparse.Namespace, work_dir: Path) -> None:
        self._args = args
        self._work_dir = work_dir
        self._lengths: dict[int, int] = {}
        needs = METHODS[args.method]
        self._teacher = self._student = None
        self._scored: RawSegDataset | None = None
        disparities = {}
        if needs.student:
            self._student = load_config(args.student, args.student_options)
            images = find_export_images(
                self._student, needs.student, args.student
            )
            if args.method == 'entropy':
                steps = list(images.get('pipeline', ()))
                steps.insert(-1, dict(type='PredictAtInputSize'))
                images['pipeline'] = steps
            self._scored = build_export_dataset(images, args.split)
        if needs.diversity:
            _check_file('--checkpoint', args.checkpoint)
            self._teacher = load_config(args.config, args.cfg_options)
        self.dataset = self._all_images()
        self.stems = _stems(self.dataset)
        if self._scored is not None:
            self._check_positions()
            disparities = _disparities(images, self.stems)
        _warn_size(self.dataset)
        self.producer = self._make_producer(disparities)

    def set_lengths(
        self, iters: Sequence[int] | None, steps: Sequence[int]
    ) -> None:
        """Set the iterations of the students, by number of chosen images.

        Raises:
            ValueError: Neither one number nor one per student.
        """
        if iters is None or self._student is None:
            return
        sizes = steps[:-1]
        if len(iters) not in (1, len(sizes)) or min(iters) < 1:
            raise ValueError(
                f'--iters {",".join(map(str, iters))}: give one number, or '
                f'{len(sizes)}, for the students on '
                f'{", ".join(map(str, sizes))} images'
            )
        if len(iters) == 1:
            iters = list(iters) * len(sizes)
        self._lengths = dict(zip(sizes, iters, strict=True))
        for length in iters:
            label_student.student_config(
                self._student, [0], length, self._args.seed
            )

    def distances(self) -> np.ndarray:
        """Distances of all images (N, N); kept for a resumed run."""
        path = self._work_dir / f'distances-{self._tag()}.npy'
        if path.is_file():
            return np.load(path, allow_pickle=False)
        args = self._args
        features = label_scores.collect_features(
            load_model(self._teacher, args.checkpoint).to(self._device),
            self.dataset,
            args.features,
            args.pool_size,
            args.pooling,
            args.batch_size,
            args.workers,
        )
        features = label_choice.normalize_features(features)
        found = label_choice.pairwise_distances(features.to(self._device))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f'{path.name}.tmp')
        with temporary.open('wb') as file:
            np.save(file, found)
        os.replace(temporary, path)
        return found

    def score(self, chosen: Sequence[int]) -> np.ndarray:
        """Train a student on some images and score all of them, (N,)."""
        args = self._args
        length = self._lengths.get(len(chosen))
        cfg = label_student.student_config(
            self._student, chosen, length, args.seed
        )
        name = f'{len(chosen)}-{self._tag(hash_config(cfg))}'
        model = label_student.train_student(cfg, self._work_dir / name)
        how = (args.batch_size, args.workers)
        if args.method == 'entropy':
            return label_scores.segmentation_entropy(model, self._scored, *how)
        return label_scores.depth_difficulty(
            model, self._scored, args.error, *how
        )

    @cached_property
    def _device(self) -> str:
        return pick_device(self._args.device)

    def _tag(self, extra: str = '') -> str:
        return hash_config({'producer': self.producer, 'extra': extra})[:12]

    def _all_images(self) -> RawSegDataset:
        args = self._args
        if self._teacher is not None:
            images = find_export_images(
                self._teacher, args.images, args.config
            )
            return build_export_dataset(images, args.split)
        if self._scored is not None:
            return self._scored
        dataset = build_dataset(args, labeled=False)
        dataset.full_init()
        return dataset

    def _check_positions(self) -> None:
        """Positions must mean the same images everywhere."""
        trained = label_student.training_images(self._student)
        for what, dataset in (
            ('scores', self._scored),
            ('is trained on', trained),
        ):
            others = _stems(dataset)
            if others != self.stems:
                odd = sorted(set(others) ^ set(self.stems))[:1]
                raise ValueError(
                    f'the student of --student {what} {len(others)} images, '
                    f'chosen from are {len(self.stems)}, or other ones (e.g. '
                    f'{odd}); both have to be of the same data set and split. '
                    '--split changes neither the training set of the student '
                    'nor its disparities: change them in its config'
                )

    def _make_producer(self, disparities: Mapping[str, str]) -> dict[str, str]:
        args = self._args
        names = ('method', 'steps', 'iters', 'seed', 'weight', 'error')
        names += ('features', 'pooling', 'pool_size')
        configs = [
            hash_config(cfg)
            for cfg in (self._teacher, self._student)
            if cfg is not None
        ]
        return make_producer(
            {
                'options': {name: getattr(args, name) for name in names},
                'configs': configs,
                'disparities': dict(disparities),
                'stems': self.stems,
            },
            args.checkpoint,
            (label_choice, label_procedure, label_scores, label_student),
        )


def _stems(dataset: RawSegDataset) -> list[str]:
    return [
        dataset.get_data_info(i)['sample_stem'] for i in range(len(dataset))
    ]


def _check_file(option: str, path: str) -> None:
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'{option} {path!r} does not exist; the file last_checkpoint of '
            'a work directory names its newest one'
        )


def _disparities(settings: Any, stems: Sequence[str]) -> dict[str, str]:
    """Fingerprints of the disparities that are read; all must be there."""
    found = {}
    for step in _steps(settings):
        if step.get('type') != 'LoadDisparityArtifact':
            continue
        store = ArtifactStore(step.get('root', 'artifacts'))
        artifact = store.open('disparity', step['key'])
        missing = [
            x for x in stems if f'{x}.png' not in artifact.manifest['files']
        ]
        if missing:
            raise FileNotFoundError(
                f'{artifact.path} lacks {len(missing)} of {len(stems)} '
                f'images, e.g. {missing[0]}; export the split that is chosen '
                f'from: {store.command("disparity", step["key"])}'
            )
        found[step['key']] = hash_file(artifact.path / MANIFEST)
    return found


def _steps(node: Any) -> Iterator[Mapping]:
    if isinstance(node, Mapping):
        yield node
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _steps(child)


def _warn_size(dataset: RawSegDataset) -> None:
    """Positions of the published lists mean the 2975 images only."""
    total = len(dataset)
    train = isinstance(dataset, CityscapesRawDataset)
    train = train and dataset.split == 'train'
    if train and total != _CITYSCAPES_TRAIN:
        print_log(
            f'the training set has {total} images, that of Cityscapes has '
            f'{_CITYSCAPES_TRAIN}; the lists fit these images only',
            'current',
            level=logging.WARNING,
        )
