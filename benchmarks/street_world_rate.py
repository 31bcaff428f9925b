#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""How fast StreetWorld is made: images per second on one core, as JSON.

Every image is drawn, encoded and written with its labels in the GTA format.

    python benchmarks/street_world_rate.py --images 60 --out rate.json
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

import cv2

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings, parse_size
from mmseg_da.utils.files import write_json

_WARM_UP = 4


def images_per_second(size: tuple[int, int], images: int) -> dict[str, float]:
    """Rate of drawing and writing GTA images, one process, one thread.

    Args:
        size: ``(width, height)`` in pixels.
        images: Images that are timed, after a short warm-up.

    Returns:
        Images per second of processor time (``core``: what one core does
        when nothing else runs on it) and of elapsed time (``wall``).
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (('warm_up', _WARM_UP), ('timed', images)):
            settings = WorldSettings(size=size, train=count, truth_share=0)
            core, wall = time.process_time(), time.perf_counter()
            generate(Path(folder) / name, ['gta'], settings, workers=1)
        return {
            'core': round(images / (time.process_time() - core), 2),
            'wall': round(images / (time.perf_counter() - wall), 2),
        }


def main() -> None:
    """Measure both sizes of the specification and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--images', type=int, default=60)
    parser.add_argument('--sizes', default='256x128,512x256')
    parser.add_argument('--out', type=Path, help='JSON file')
    args = parser.parse_args()
    cv2.setNumThreads(1)
    rates = {
        size: images_per_second(parse_size(size), args.images)
        for size in args.sizes.split(',')
    }
    result = {
        'benchmark': 'street_world_rate',
        'images_per_second': rates,
        'images': args.images,
        'machine': platform.processor() or platform.machine(),
        'python': platform.python_version(),
        'opencv': cv2.__version__,
    }
    print(json.dumps(result, indent=1))
    if args.out:
        write_json(args.out, result)


if __name__ == '__main__':
    main()
