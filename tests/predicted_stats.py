# SPDX-License-Identifier: Apache-2.0
"""Class statistics of target predictions, made of noise."""

from __future__ import annotations

from pathlib import Path

import filelock
import numpy as np

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.datasets.conversion.class_stats import ClassStats
from mmseg_da.datasets.conversion.stats_artifact import (
    KIND,
    store_class_stats,
)
from mmseg_da.engine.artifacts import ArtifactStore

KEY = 'cs-predicted'


def write_predicted_stats(street_world: Path) -> None:
    """Write the statistics that the SAC configs read, once."""
    store = ArtifactStore(street_world / 'artifacts')
    with filelock.FileLock(street_world / 'predicted_stats.lock'):
        if store.is_finished(KIND, KEY):
            return
        dataset = CityscapesRawDataset(
            data_root=str(street_world / 'cityscapes'), labeled=False
        )
        names = [
            dataset.get_data_info(i)['sample_stem']
            for i in range(len(dataset))
        ]
        view = dataset.view
        counts = np.random.default_rng(0).integers(
            1, 1000, size=(len(names), len(view.classes))
        )
        stats = ClassStats(tuple(names), counts, view.name, view.classes)
        store_class_stats(stats, store, KEY, 'noise, for tests')
