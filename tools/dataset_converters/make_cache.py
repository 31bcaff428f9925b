#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Make the caches of decoded, resized images that a config's datasets use.

    python tools/dataset_converters/make_cache.py CONFIG

Every dataset with a ``cache=dict(dir=..., scale=(1024, 512))`` is treated. An
interrupted run goes on with the same command; a finished cache is compared
with all of its source files.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_da.datasets.cache_builder import build_cache
from mmseg_da.datasets.cache_settings import CachePlan, CacheSettings
from mmseg_da.datasets.image_cache import ImageCache, check_cache
from mmseg_da.utils.cli import add_config_arguments, exit_with
from mmseg_da.utils.tool_runner import load_config

_PLACES = (
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'custom_hooks',
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    add_config_arguments(parser)
    parser.add_argument(
        '--workers', type=int, help='processes; default: as many as cores'
    )
    return parser.parse_args(argv)


def find_cached(node: Any) -> Iterator[dict]:
    """All dataset configs below a node (loader, hooks) with a cache."""
    if isinstance(node, dict):
        if node.get('type') and node.get('cache'):
            yield node
            return
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from find_cached(item)


def make(config: dict, workers: int | None) -> str:
    """Make or check the cache of one dataset.

    Args:
        config: Its config; subsets (``indices``) share the cache of the
            whole set.
        workers: Processes.

    Returns:
        What was done, for the screen.
    """
    plain = {**config, 'cache': None, 'indices': None, 'pipeline': []}
    dataset = DATASETS.build(plain)
    dataset.cache_settings = CacheSettings.from_config(config['cache'])
    plan = CachePlan.of_dataset(dataset)
    decoder = dataset.label_decoder if plan.labels else None
    made = build_cache(plan, decoder, workers, dataset.dataset_name)
    check_cache(ImageCache(plan.folder), plan)
    what = 'made' if made else 'already there, all source files unchanged'
    size = plan.bytes / 2**30
    return f'{plan.folder}: {len(plan.names)} images, {size:.2f} GiB, {what}'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope('mmseg')
    found = []
    for place in _PLACES:
        for config in find_cached(cfg.get(place)):
            if config not in found:
                found.append(config)
    if not found:
        raise ValueError(
            f'{args.config}: no dataset has a cache. Add to a dataset, e.g.\n'
            "  cache=dict(dir='data/cache', scale=(1024, 512))"
        )
    for config in found:
        print(make(config, args.workers), flush=True)
    return 0


if __name__ == '__main__':
    exit_with(main)
