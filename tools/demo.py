# SPDX-License-Identifier: Apache-2.0
"""Make StreetWorld, train and test the reference methods, compare them.

    python tools/demo.py            # or: make demo

Writes demo/report.html (opens offline), demo/table.csv, demo/results.json.
An interrupted run goes on where it was; see docs/demo.md.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

try:
    from rich.console import Console

    from mmseg_da.compat import check_environment
    from mmseg_da.datasets.street_world.world import parse_size
    from mmseg_da.demo_run import (
        Demo,
        DemoSettings,
        JobError,
        Method,
        Plan,
        folder_lock,
        official_line,
        write_report,
    )
    from mmseg_da.utils.files import ensure_writable
except ImportError as error:
    sys.exit(f'error: {error}\npython tools/doctor.py shows what is missing.')

# The rows of the table. The first is the floor, the last the ceiling; a new
# method is one line between them.
METHODS = (
    Method('source-only', 'source-only_swg2swc'),
    Method('AdaBN', 'adabn_swg2swc', weights_from='source-only'),
    Method('SAC', 'sac-adabn_swg2swc', start_from='source-only'),
    Method('oracle', 'oracle_swc'),
)
CLASS_VIEW = 'cityscapes19'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('--out', default='demo', help='folder of the report and all steps')
    add('--seed', type=int, default=0, help='of streets and trainings')
    add('--size', default='256x128', help='width x height of the images')
    add('--train', type=positive, default=200, help='training images')
    add('--val', type=positive, default=60, help='validation images')
    add(
        '--iters',
        type=positive,
        help='training iterations; the schedule is scaled with them '
        '(default: those of the configs)',
    )
    add('--workers', type=positive, default=2, help='processes side by side')
    add(
        '--threads',
        type=positive,
        default=1,
        help='threads per process; a training that runs alone takes those '
        'of all workers',
    )
    return parser.parse_args(argv)


def positive(text: str) -> int:
    """An integer >= 1 of the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value} is not >= 1')
    return value


def shown_settings(plan: Plan) -> dict[str, str | int]:
    """Settings as the report names them."""
    s = plan.settings
    iters = {plan.iterations(method) for method in plan.trained()}
    return {
        'direction': 'StreetWorld game (GTA format) to real (Cityscapes)',
        'image size': s.size,
        'training images per domain': s.train,
        'validation images': s.val,
        'iterations': ', '.join(str(n) for n in sorted(iters)),
        'class view': CLASS_VIEW,
        'seed': s.seed,
        'trainings side by side': s.workers,
        'threads per training': ', '.join(
            f'{m.name} {plan.threads(m)}' for m in plan.trained()
        ),
    }


def commands(plan: Plan) -> str:
    """The demo's command, then those of its steps one by one."""
    s = plan.settings
    options = f'--seed {s.seed} --size {s.size} --train {s.train}'
    options += f' --val {s.val} --workers {s.workers} --threads {s.threads}'
    if s.iters is not None:
        options += f' --iters {s.iters}'
    steps = [(s.threads, plan.data_command())]
    for methods in plan.rounds():
        steps += [(plan.threads(m), plan.train_command(m)) for m in methods]
    steps += [(s.threads, plan.test_command(m)) for m in plan.methods]
    lines = [
        f'make demo ARGS="{options}"',
        '\n# The same step by step:',
        f'export STREET_WORLD_ROOT={plan.data_root}',
    ]
    lines += [
        f'OMP_NUM_THREADS={threads} python {shell_lines(step)}'
        for threads, step in steps
    ]
    return '\n'.join(lines).replace(f'{Path.cwd()}/', '')


def shell_lines(command: Sequence[str]) -> str:
    """A command on several lines: a line of its own for every option."""
    text = command[0]
    for part in command[1:]:
        text += f' \\\n    {part}' if part.startswith('--') else f' {part}'
    return text


def run(args: argparse.Namespace, console: Console) -> None:
    """Run all steps and write the report."""
    check_environment()
    parse_size(args.size)
    start = time.monotonic()
    out = ensure_writable(args.out, '--out')
    settings = DemoSettings(**{**vars(args), 'out': out})
    with folder_lock(out) as lock:
        plan = Plan(settings, METHODS)
        demo = Demo(plan, console, lock)
        for number, (title, step) in enumerate(
            (
                ('Make StreetWorld', demo.make_data),
                ('Train', demo.train),
                ('Test', demo.test),
            ),
            start=1,
        ):
            console.print(f'[bold]\\[{number}/4] {title}[/]')
            step()
        console.print('[bold]\\[4/4] Report[/]')
        results = demo.results()
        table = write_report(
            out,
            results,
            shown_settings(plan),
            commands(plan),
            plan.data_root / 'cityscapes',
            CLASS_VIEW,
        )
    print(table.to_text())
    print(official_line(results))
    minutes = (time.monotonic() - start) / 60
    print(f'{minutes:.1f} minutes. Open {out / "report.html"}')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; 2 after an error of the user, 1 after a failed step."""
    args = parse_args(argv)
    console = Console(highlight=False)
    # The children are ended too, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(args, console)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except JobError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('interrupted; the same command goes on', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
