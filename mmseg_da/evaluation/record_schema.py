# SPDX-License-Identifier: Apache-2.0
"""Fields of a result record; docs/records.md describes them too.

Changing, adding or removing a field needs a new ``SCHEMA_VERSION``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from .confusion_text import decode_confusion

FORMAT = 'mmseg_da.record'
SCHEMA_VERSION = 1
SELECTIONS = ('last', 'best')
PREDICTORS = ('segmentor', 'teacher')


@dataclass(frozen=True)
class ConfigInfo:
    """Config that was tested: file stem and hash of its resolved text."""

    name: str
    sha256: str


@dataclass(frozen=True)
class CodeInfo:
    """Code that ran.

    Attributes:
        version: Of mmseg-da.
        commit: Git commit; None outside a clone.
        dirty: Whether the clone had uncommitted changes; None likewise.
        sha256: Of the package's sources (without comments).
        ignored: Whether ``--ignore-code`` let stages of other code count.
    """

    version: str
    commit: str | None
    dirty: bool | None
    sha256: str
    ignored: bool


@dataclass(frozen=True)
class CheckpointInfo:
    """Weights: file name, hash, and training iteration where known."""

    name: str
    sha256: str
    iteration: int | None


@dataclass(frozen=True)
class Protocol:
    """How it was evaluated; rows are comparable if these are equal.

    Attributes:
        class_view: Key of ``CLASS_VIEWS``; '' for foreign data.
        dataset: Tag of the test data.
        data_sha256: Digest of the test data.
        images: Number of images.
        input_size: (width, height) that the network sees; None if it varies
            or is not resized.
        evaluation_size: (width, height) at which pixels are counted; None if
            the images differ in size.
        interpolation: How the logits reach that size.
        inference: 'whole' or 'slide <crop> <stride>'.
        tta: Test-time augmentation.
        subsets: Names of the class subsets that are reported.
    """

    class_view: str
    dataset: str
    data_sha256: str
    images: int
    input_size: tuple[int, ...] | None
    evaluation_size: tuple[int, ...] | None
    interpolation: str
    inference: str
    tta: bool
    subsets: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """Percent, not rounded.

    Attributes:
        miou: ``'mIoU'`` (all classes of the view) and ``'mIoU<subset>'``;
            None if no class of the subset occurs.
        iou: IoU per class; None for a class that occurs nowhere.
        metrics: Everything that the metrics returned, also official scores.
        confusion: (C, C) int64, rows are labels; see ``decode_confusion``.
    """

    miou: dict[str, float | None]
    iou: dict[str, float | None]
    metrics: dict[str, float | None]
    confusion: str


@dataclass(frozen=True)
class StageCost:
    """What a stage of the recipe cost, whichever run of it did the work.

    Attributes:
        name: Stage name in the recipe.
        kind: 'train', 'artifact' or 'test'.
        key: Identity of the stage (hash of config, code, data, inputs).
        seconds: Wall time, all starts together; None if not measured.
        peak_mib: Peak memory: of the GPU where one was used, else resident.
        code_sha256: Code that ran; differs from ``code.sha256`` only in
            stages that ``--ignore-code`` kept.
        shared: Whether it was done before, by this or another recipe.
    """

    name: str
    kind: str
    key: str
    seconds: float | None
    peak_mib: float | None
    code_sha256: str
    shared: bool


@dataclass(frozen=True)
class Cost:
    """Test cost, and that of the stages before it.

    Attributes:
        preparation_seconds: Work before the first image, e.g. AdaBN's
            estimate of statistics.
        test_seconds: Wall time of the test loop.
        images_per_second: Of the test.
        peak_rss_mib: Resident memory of the test process.
        peak_cuda_mib: GPU memory; None on the CPU.
        processes: Processes of the test.
        stages: Stages in order, the test itself included; empty for a test
            that no recipe ran.
    """

    preparation_seconds: float
    test_seconds: float
    images_per_second: float
    peak_rss_mib: float
    peak_cuda_mib: float | None
    processes: int
    stages: tuple[StageCost, ...]

    @property
    def total_seconds(self) -> float | None:
        """Wall time of all stages; None if a stage was not measured."""
        seconds = [stage.seconds for stage in self.stages]
        return None if None in seconds else sum(seconds)


@dataclass(frozen=True)
class Record:
    """A test and everything that led to it.

    Attributes:
        created: UTC time, ISO 8601.
        recipe: Name for ``tools/run_method.py``; a config name without one.
        stage: Name of the test stage in the recipe.
        method, direction, variant: Parts of the recipe's name
            ``<method>_<direction>[_<variant>]``.
        seed: Of the training; None if unknown.
        repeat: 0, or the number of a repetition with the same seed.
        selection: 'last' checkpoint, or 'best', which was chosen on target
            labels and is no unsupervised result.
        predict_on: 'segmentor' (student) or 'teacher'.
        data: Digest of the data of every stage.
        classes: Names, position = train id.
        scores: None if nothing was scored (``--format-only``).
        curves: Series of the last training, e.g. 'loss' and validation
            'mIoU': points (iteration, value); at most 200 a series.
    """

    created: str
    recipe: str
    stage: str
    method: str
    direction: str
    variant: str
    seed: int | None
    repeat: int
    selection: str
    predict_on: str
    config: ConfigInfo
    code: CodeInfo
    checkpoint: CheckpointInfo
    data: dict[str, str]
    protocol: Protocol
    classes: tuple[str, ...]
    scores: Scores | None
    curves: dict[str, tuple[tuple[float, ...], ...]]
    cost: Cost
    versions: dict[str, str]
    machine: dict[str, str | int]

    @property
    def chosen_on_target_labels(self) -> bool:
        """Whether target labels chose the checkpoint."""
        return self.selection == 'best'

    @property
    def confusion(self) -> np.ndarray:
        """int64 (C, C); rows are labels.

        Raises:
            ValueError: The record has no scores.
        """
        if self.scores is None:
            raise ValueError(f'the record of {self.recipe} has no scores')
        return decode_confusion(self.scores.confusion, len(self.classes))

    def replace(self, **changes: Any) -> Record:
        """Return a copy with other values."""
        return dataclasses.replace(self, **changes)


def split_name(name: str) -> tuple[str, str, str]:
    """Split ``<method>_<direction>[_<variant>]``.

    Returns:
        Method, direction and variant; '' for parts that are not there.
    """
    method, _, rest = name.partition('_')
    direction, _, variant = rest.partition('_')
    return method, direction, variant
