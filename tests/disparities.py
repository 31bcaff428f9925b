# SPDX-License-Identifier: Apache-2.0
"""Disparity artefacts that the configs of the suite read, from exact depth."""

from __future__ import annotations

from pathlib import Path

import contract
import cv2
import filelock
import numpy as np

from mmseg_da.engine.artifacts import ArtifactStore

KIND = 'disparity'


def write_disparities(street_world: Path) -> None:
    """Write every disparity artefact that a config asks for, once.

    Args:
        street_world: Root of the data, with the depth of every frame.
    """
    store = ArtifactStore(street_world / 'artifacts')
    with filelock.FileLock(street_world / 'disparities.lock'):
        for key in required_keys():
            if not store.is_finished(KIND, key):
                write_disparity(store, key, street_world, image_size(key))


def image_size(key: str) -> tuple[int, int]:
    """Width and height of the images of an artefact in shrunk configs."""
    if 'camvid' in key:
        # 256x192 and 672x512, crops of 192 and 512.
        return (171, 128) if '_sw' in key else (168, 128)
    # 256x128 and 1024x512, crops of 128 and 512.
    return 256, 128


def required_keys() -> list[str]:
    """Keys named by the DepthTransferHook of any config."""
    found = set()
    for path in contract.CONFIGS:
        cfg = contract.parsed(path)
        for hook in cfg.get('custom_hooks', []):
            if hook['type'] == 'DepthTransferHook':
                found |= {x['key'] for x in hook.get('disparities', ())}
    return sorted(found)


def write_disparity(
    store: ArtifactStore, key: str, street_world: Path, size: tuple[int, int]
) -> None:
    """Encode the exact depth of all labelled frames of all formats."""
    encoding = key.rpartition('-')[2]
    top = {'minmax8': 255, 'raw16': 65535}[encoding]
    kind = {'minmax8': np.uint8, 'raw16': np.uint16}[encoding]
    files = {}
    for path in sorted(street_world.glob('*/ground_truth/depth/train/**/*')):
        if path.suffix == '.npy':
            folder = next(p for p in path.parents if p.name == 'train')
            near = np.minimum(1 / np.load(path), 1)
            pixels = (top * near / near.max()).astype(kind)
            pixels = cv2.resize(
                pixels, size, interpolation=cv2.INTER_NEAREST_EXACT
            )
            name = path.relative_to(folder).with_suffix('.png').as_posix()
            files[name] = cv2.imencode('.png', pixels)[1].tobytes()
    meta = {
        'encoding': encoding,
        'dataset': 'street_world',
        'split': 'train',
        'num_images': len(files),
    }
    producer = {'config': 'tests', 'checkpoint': 'tests', 'code': 'tests'}
    with store.writer(KIND, key, producer, meta=meta) as writer:
        for name, data in files.items():
            writer.write(name, {name: data})
