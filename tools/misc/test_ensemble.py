# SPDX-License-Identifier: Apache-2.0
"""Test several checkpoints as one: the weighted sum of their logits.

    python tools/misc/test_ensemble.py CONFIG ADVENT.pth MINENT.pth \
        --weights 0.5 0.5

All members have CONFIG's network, or the ones of --configs, and get the
images of CONFIG's test pipeline; CONFIG's evaluator scores the result.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_da.compat import check_environment
from mmseg_da.engine.hashing import hash_file
from mmseg_da.evaluation.checkpoint_scores import (
    own_experiment_name,
    require_test_keys,
)
from mmseg_da.evaluation.ensemble import ensemble_config, load_members
from mmseg_da.utils import write_json
from mmseg_da.utils.cli import add_config_arguments, exit_with
from mmseg_da.utils.evaluation_options import save_predictions
from mmseg_da.utils.tool_runner import load_config, set_work_dir


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_config_arguments(parser)
    parser.add_argument(
        'checkpoints', nargs='+', type=Path, help='one per member'
    )
    parser.add_argument(
        '--weights',
        nargs='+',
        type=float,
        help='factor of each member; default: all the same, sum 1',
    )
    parser.add_argument(
        '--configs',
        nargs='+',
        metavar='CONFIG',
        help='config of each member, the first included',
    )
    parser.add_argument('--work-dir', help='folder of the logs')
    parser.add_argument(
        '--out', metavar='DIR', help='write the predictions, see tools/test.py'
    )
    parser.add_argument(
        '--json', metavar='FILE', help='write members and scores'
    )
    return parser.parse_args(argv)


def member_configs(args: argparse.Namespace) -> list[Config]:
    """Config of every member.

    Raises:
        ValueError: Their number is not that of the checkpoints.
    """
    count = len(args.checkpoints)
    for option in ('configs', 'weights'):
        given = getattr(args, option)
        if given is not None and len(given) != count:
            raise ValueError(
                f'--{option}: {len(given)} given for {count} checkpoints; '
                'give one per checkpoint'
            )
    names = args.configs or [args.config] * count
    return [load_config(name, args.cfg_options) for name in names]


def members_of(args: argparse.Namespace, weights: list[float]) -> list[dict]:
    """Describe the members for ``--json``, without paths."""
    names = args.configs or [args.config] * len(args.checkpoints)
    return [
        {
            'config': Path(name).stem,
            'checkpoint': path.name,
            'sha256': hash_file(path),
            'weight': weight,
        }
        for name, path, weight in zip(
            names, args.checkpoints, weights, strict=True
        )
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Test the ensemble, return the exit code."""
    args = parse_args(argv)
    check_environment()
    base = load_config(args.config, args.cfg_options)
    require_test_keys(base, args.config)
    cfg = ensemble_config(base, member_configs(args), args.weights)
    set_work_dir(cfg, args)
    cfg.load_from, cfg.resume = None, False
    cfg.experiment_name = own_experiment_name(cfg)
    if args.out:
        save_predictions(cfg, args.out, format_only=False)
    runner = Runner.from_cfg(cfg)
    metainfo = getattr(runner.test_dataloader.dataset, 'metainfo', {})
    load_members(runner.model.members, args.checkpoints, metainfo)
    metrics = {key: float(value) for key, value in runner.test().items()}
    for name, value in metrics.items():
        print(f'{name:<24}{value:8.2f}')
    if args.json:
        described = members_of(args, runner.model.weights)
        write_json(args.json, {'members': described, 'metrics': metrics})
    return 0


if __name__ == '__main__':
    exit_with(main)
