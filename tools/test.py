# SPDX-License-Identifier: Apache-2.0
"""Test a checkpoint: scores, pictures, submissions.

python tools/test.py CONFIG CHECKPOINT --json scores.json
python tools/test.py CONFIG CHECKPOINT --out submission/ --format-only
python tools/test.py CONFIG CHECKPOINT --protocol ref --record records/ref
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

try:
    from mmengine.config import Config
    from mmengine.dist import is_main_process
    from mmengine.runner import Runner

    from mmseg_da.compat import check_environment
    from mmseg_da.engine import prepare_launcher
    from mmseg_da.evaluation.record_maker import (
        RecordHook,
        has_scores,
        make_record,
        require_classes,
    )
    from mmseg_da.evaluation.records import write_record
    from mmseg_da.utils import ensure_writable, tool_runner
    from mmseg_da.utils import evaluation_options as options
    from mmseg_da.utils.checkpoint_guard import CheckpointGuard
    from mmseg_da.utils.checkpoints import refuse_unsafe_checkpoints
except ImportError as error:
    sys.exit(f'error: {error}\npython tools/doctor.py shows what is missing.')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Test a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out',
        metavar='DIR',
        help='write the predictions: a Cityscapes submission for Cityscapes '
        'data, else PNGs of train ids; a new, empty or own folder',
    )
    parser.add_argument(
        '--format-only',
        action='store_true',
        help='with --out: no scores, no labels needed',
    )
    parser.add_argument(
        '--out-extra',
        nargs='+',
        choices=options.OUT_EXTRAS,
        default=[],
        help='with --out: colour PNGs, probabilities (large), pictures of '
        'image and classes, PNGs of train ids',
    )
    parser.add_argument(
        '--show-dir', metavar='DIR', help='draw the predictions into DIR'
    )
    parser.add_argument(
        '--tta', action='store_true', help='test-time augmentation'
    )
    parser.add_argument(
        '--protocol',
        default=options.FULL,
        metavar='NAME',
        help="of the config's test_protocols, e.g. 'ref': the one of SDE's "
        "paper, at 1024x512; default 'full', the test pipeline "
        '(docs/evaluation.md)',
    )
    parser.add_argument(
        '--json', metavar='FILE', help='write the record (docs/records.md)'
    )
    parser.add_argument(
        '--record',
        metavar='DIR',
        help='write the record to DIR/<config>_seed<seed>.json '
        '(with --protocol NAME ..._NAME.json)',
    )
    tool_runner.add_common_arguments(parser)
    return parser.parse_args(argv)


def apply_options(cfg: Config, args: argparse.Namespace) -> None:
    """Check the options and put them into the config.

    Raises:
        ValueError: Options or config keys that do not go together.
        FileNotFoundError: There is no such checkpoint.
        OSError: A folder cannot be written.
    """
    for key in ('model', 'test_dataloader', 'test_evaluator', 'test_cfg'):
        if not cfg.get(key):
            raise ValueError(
                f'{args.config}: {key} is not set; needed to test'
            )
    if not Path(args.checkpoint).expanduser().is_file():
        raise FileNotFoundError(
            f'checkpoint {args.checkpoint!r} does not exist; the file '
            'last_checkpoint of a work directory names its newest one.'
        )
    if args.format_only and not args.out:
        raise ValueError('--format-only needs --out DIR')
    if args.out_extra and not args.out:
        raise ValueError('--out-extra needs --out DIR')
    cfg.load_from, cfg.resume = args.checkpoint, False
    for option in ('json', 'record'):
        if getattr(args, option):
            require_classes(cfg, f'--{option}')
    use_protocol(cfg, args)
    if args.tta:
        options.use_tta(cfg)
    if args.out:
        options.save_predictions(
            cfg, args.out, args.format_only, args.out_extra
        )
    if args.format_only:
        options.drop_labels(cfg)
    if args.show_dir:
        folder = ensure_writable(args.show_dir, '--show-dir')
        options.show_predictions(cfg, str(folder))
    if args.json:
        ensure_writable(Path(args.json).parent, '--json')
    if args.record:
        ensure_writable(args.record, '--record')
        if args.format_only or not has_scores(cfg.test_evaluator):
            raise ValueError(
                '--record needs scores: set test_evaluator = '
                "dict(type='SubsetIoUMetric') and leave --format-only out"
            )


def use_protocol(cfg: Config, args: argparse.Namespace) -> None:
    """Apply ``--protocol``.

    Raises:
        ValueError: An unknown one, or an option that needs predictions at
            the size of the images.
    """
    options.use_protocol(cfg, args.protocol)
    if args.protocol == options.FULL:
        return
    for option in ('tta', 'out', 'show_dir'):
        if getattr(args, option):
            name = f'--{option.replace("_", "-")}'
            raise ValueError(
                f'--protocol {args.protocol} and {name}: a protocol scores '
                f'one view at a size of its own; give {name} in a test '
                'without --protocol'
            )


def write_records(
    runner: Runner, hook: RecordHook, metrics: dict, args: argparse.Namespace
) -> None:
    """Write what ``--json`` and ``--record`` ask for."""
    record = make_record(
        runner, hook, metrics, args.config, args.checkpoint, args.tta
    )
    ending = ''
    if args.protocol != options.FULL:
        # Another row for the table, which ranks equal protocols only.
        record = record.replace(stage=f'{record.stage}-{args.protocol}')
        ending = f'_{args.protocol}'
    if args.json:
        write_record(args.json, record)
    if args.record:
        name = f'{record.recipe}_seed{record.seed}{ending}.json'
        write_record(Path(args.record) / name, record)


def test(args: argparse.Namespace) -> None:
    """Check everything that can be checked early, then test."""
    check_environment()
    cfg = tool_runner.load_config(args.config, args.cfg_options)
    tool_runner.set_work_dir(cfg, args)
    apply_options(cfg, args)
    prepare_launcher(cfg, args.launcher)
    refuse_unsafe_checkpoints()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(CheckpointGuard(args.checkpoint))
    hook = RecordHook()
    runner.register_hook(hook)
    metrics = runner.test()
    if (args.json or args.record) and is_main_process():
        write_records(runner, hook, metrics, args)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; the exit code is 2 after an error of the user."""
    return tool_runner.run_tool(test, parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
