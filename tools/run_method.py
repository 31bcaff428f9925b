# SPDX-License-Identifier: Apache-2.0
"""Run all stages of methods: what is missing, in order, once.

python tools/run_method.py oracle_swc --seeds 0,1,2
python tools/run_method.py source-only_swg2swc adabn_swg2swc --dry-run
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

try:
    from rich.console import Console

    from mmseg_da.compat import check_environment
    from mmseg_da.recipes import (
        RecipeError,
        RunSettings,
        load_recipe,
        open_root,
        plan_recipe,
        plan_table,
        run_recipes,
    )
    from mmseg_da.utils.cli import exit_with
    from mmseg_da.utils.files import ensure_writable
except ImportError as error:
    sys.exit(f'error: {error}\npython tools/doctor.py shows what is missing.')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Run all stages of methods: what is missing, once.'
    )
    add = parser.add_argument
    add(
        'names',
        nargs='+',
        metavar='NAME',
        help='name of a file in configs/recipes or configs/methods, or its '
        'path',
    )
    add('--seeds', default='0', metavar='0,1,2', help='default: 0')
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--gpus', type=int, metavar='N', help='processes of a training'
    )
    how.add_argument(
        '--launcher',
        choices=['none', 'slurm'],
        default='none',
        help='slurm: srun with SLURM_NTASKS processes (SRUN_ARGS, '
        'GPUS_PER_NODE)',
    )
    add(
        '--work-root',
        default='work_dirs/recipes',
        metavar='DIR',
        help='folder of stages and records; default: %(default)s',
    )
    add('--dry-run', action='store_true', help='show the plan only')
    together = 'stages at the same time'
    add('--parallel', type=int, default=1, metavar='N', help=together)
    add(
        '--threads',
        type=int,
        default=1,
        metavar='N',
        help='CPU threads of a stage; other numbers round differently',
    )
    add(
        '--ignore-code',
        action='store_true',
        help='take stages of older code for current; their records say so',
    )
    return parser.parse_args(argv)


def read_seeds(text: str) -> list[int]:
    """Seeds of ``--seeds``.

    Raises:
        ValueError: No number, or the same one twice.
    """
    try:
        seeds = [int(part) for part in text.split(',')]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ValueError(
            f'--seeds {text!r}: give different numbers from 0, e.g. 0,1,2'
        )
    return seeds


def read_settings(args: argparse.Namespace) -> RunSettings:
    """Check the options.

    Raises:
        ValueError: An option has a wrong value.
    """
    for name in ('gpus', 'parallel', 'threads'):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f'--{name} {value}: give at least 1')
    processes = args.gpus or 1
    if args.launcher == 'slurm':
        tasks = os.environ.get('SLURM_NTASKS', '')
        if not tasks.isdigit() or int(tasks) < 1:
            raise ValueError(
                '--launcher slurm: SLURM_NTASKS is not set; call it inside '
                'of salloc or sbatch with --ntasks, or set it'
            )
        processes = int(tasks)
    return RunSettings(
        work_root=Path(args.work_root).expanduser().absolute(),
        processes=processes,
        launcher=args.launcher,
        ignore_code=args.ignore_code,
        parallel=args.parallel,
        threads=args.threads,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Plan, show the plan, run it.

    Returns:
        0; 1 if a stage failed; 130 if the user interrupted.
    """
    args = parse_args(argv)
    check_environment()
    settings, seeds = read_settings(args), read_seeds(args.seeds)
    recipes = [load_recipe(name) for name in args.names]
    console = Console(width=None if sys.stdout.isatty() else 160)
    if not args.dry_run:
        ensure_writable(settings.work_root, '--work-root')
    open_root(settings.work_root, write=not args.dry_run)
    plans = [plan_recipe(r, seed, settings) for seed in seeds for r in recipes]
    console.print(plan_table(plans))
    if args.dry_run:
        return 0
    try:
        records = run_recipes(plans, settings, console)
    except RecipeError as error:
        print(f'\nerror: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\ninterrupted; the same command goes on', file=sys.stderr)
        return 130
    for path in records:
        console.print(f'record: {path}', highlight=False, soft_wrap=True)
    return 0


if __name__ == '__main__':
    exit_with(main)
