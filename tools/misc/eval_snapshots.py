# SPDX-License-Identifier: Apache-2.0
"""Test every snapshot of a training; name the best and the last.

The best is chosen by the labels of the target, as in the papers of ADVENT
and IntraDA, so it is no unsupervised result: report the last beside it.
Scores are kept in WORK_DIR/snapshots.json and used again while a snapshot
is unchanged; WORK_DIR/snapshot_records has the two result records.

    python tools/misc/eval_snapshots.py CONFIG WORK_DIR
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.registry import init_default_scope

from mmseg_da.compat import check_environment
from mmseg_da.engine.hashing import hash_config
from mmseg_da.evaluation.checkpoint_scores import (
    require_test_keys,
    score_checkpoint,
)
from mmseg_da.evaluation.records import write_record
from mmseg_da.evaluation.snapshots import (
    SnapshotScores,
    SnapshotTable,
    evaluate_snapshots,
    expected_iterations,
)
from mmseg_da.utils.checkpoints import refuse_unsafe_checkpoints
from mmseg_da.utils.cli import add_config_arguments, exit_with
from mmseg_da.utils.tool_runner import load_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_config_arguments(parser)
    parser.add_argument('work_dir', type=Path, help='has iter_<n>.pth')
    parser.add_argument(
        '--metric', default='mIoU', help='chooses the best; default mIoU'
    )
    parser.add_argument(
        '--record',
        type=Path,
        metavar='DIR',
        help='folder of the records; default WORK_DIR/snapshot_records',
    )
    return parser.parse_args(argv)


def write_records(table: SnapshotTable, folder: Path) -> None:
    """Write ``<config>_seed<seed>_<best or last>.json``."""
    for selection, record in table.records().items():
        name = f'{record.recipe}_seed{record.seed}_{selection}.json'
        write_record(folder / name, record)
        print(f'record: {folder / name}')


def summary(table: SnapshotTable) -> str:
    """What is missing, the best and the last."""
    lines = []
    if table.missing:
        names = ', '.join(map(str, table.missing))
        lines.append(
            f'{len(table.missing)} snapshots are missing and were skipped '
            f'(max_keep_ckpts?): {names}'
        )
    lines += [
        f'best: {_line(table.best, table.metric)}  '
        f'(chosen by target labels, out of {len(table.rows)} snapshots)',
        f'last: {_line(table.last, table.metric)}',
    ]
    return '\n'.join(lines)


def _line(row: SnapshotScores, metric: str) -> str:
    value = row.metrics[metric]
    text = 'nan' if value is None else f'{value:.2f}'
    return f'{row.path.name}  {metric} {text}'


def main(argv: Sequence[str] | None = None) -> int:
    """Test all snapshots, return the exit code."""
    args = parse_args(argv)
    check_environment()
    cfg = load_config(args.config, args.cfg_options)
    require_test_keys(cfg, args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    refuse_unsafe_checkpoints()
    fingerprint = hash_config(cfg)
    cfg.work_dir = str(args.work_dir.absolute() / 'snapshot_tests')

    def report(row: SnapshotScores) -> None:
        again = '  (kept from before)' if row.cached else ''
        print(_line(row, args.metric) + again, flush=True)

    table = evaluate_snapshots(
        args.work_dir,
        lambda path: score_checkpoint(cfg, args.config, path),
        fingerprint,
        args.metric,
        expected_iterations(cfg),
        report,
    )
    print(summary(table))
    write_records(table, args.record or args.work_dir / 'snapshot_records')
    return 0


if __name__ == '__main__':
    exit_with(main)
