# SPDX-License-Identifier: Apache-2.0
"""Fill the grid of methods, directions and seeds; make the table of it.

python tools/benchmark.py run --directions swg2swc --seeds 0,1,2
python tools/benchmark.py table --format md --out table.md
python tools/benchmark.py report --out report.html

See docs/benchmark.md. The first writes records, the others need these alone.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

try:
    from rich.console import Console

    from mmseg_da.benchmark import (
        Benchmark,
        GridResult,
        choose_recipes,
        ensure_street_world,
        load_benchmark,
        make_cells,
        make_pictures,
        publish_records,
        run_cells,
        write_all,
    )
    from mmseg_da.compat import check_environment
    from mmseg_da.recipes import RunSettings
    from mmseg_da.utils.cli import exit_with
    from mmseg_da.utils.files import atomic_write, ensure_writable
except ImportError as error:
    sys.exit(f'error: {error}\npython tools/doctor.py shows what is missing.')

REPO = Path(__file__).resolve().parents[1]
REPORTED = REPO / 'configs/methods/reported.yml'
WORK_ROOT = 'work_dirs/recipes'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='fill the grid; goes on if stopped')
    _add_run_options(run)
    table = commands.add_parser('table', help='print or write the table')
    _add_read_options(table)
    table.add_argument(
        '--format', choices=['text', 'md', 'csv', 'latex'], default='text'
    )
    table.add_argument('--out', metavar='FILE', help='instead of printing')
    noise = commands.add_parser('noise', help='how much equal runs differ')
    _add_read_options(noise)
    report = commands.add_parser('report', help='one HTML page, opens offline')
    _add_read_options(report)
    report.add_argument('--out', metavar='FILE', required=True)
    report.add_argument(
        '--panels',
        metavar='DIR',
        help='pictures (default: panels beside the records, if there)',
    )
    return parser.parse_args(argv)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--methods', type=names, default=['all'], help='a,b,.. (all)')
    add(
        '--directions',
        type=names,
        default=['swg2swc'],
        help='a,b,.. (swg2swc)',
    )
    add('--seeds', type=numbers, default=[0, 1, 2], help='(0,1,2)')
    add(
        '--repeat-seed',
        type=numbers,
        default=[],
        metavar='SEEDS',
        help='run these once more, for the noise report',
    )
    add('--parallel', type=positive, default=1, help='stages side by side (1)')
    add('--gpus', type=positive, default=1, help='processes per training (1)')
    add('--launcher', choices=['none', 'slurm'], default='none')
    add('--ignore-code', action='store_true', help='keep older stages')
    add('--work-root', default=WORK_ROOT, help=f'({WORK_ROOT})')
    add('--records', metavar='DIR', help='(records in the work root)')
    add('--out', metavar='DIR', help='also write tables and report here')
    add('--allow-mixed-protocols', action='store_true')


def _add_read_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('--records', metavar='DIR', default=f'{WORK_ROOT}/records')
    add('--directions', type=names, help='a,b,.. (all)')
    add('--seeds', type=numbers, help='that every row should have (all)')
    add(
        '--allow-mixed-protocols',
        action='store_true',
        help='mark rows that were evaluated differently, do not refuse them',
    )


def names(text: str) -> list[str]:
    """Comma-separated names of the command line."""
    values = [part.strip() for part in text.split(',') if part.strip()]
    if not values:
        raise argparse.ArgumentTypeError('no name given')
    return values


def numbers(text: str) -> list[int]:
    """Comma-separated seeds of the command line."""
    values = [int(part) for part in names(text)]
    if min(values) < 0 or len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f'{text}: seeds are >= 0, each once')
    return values


def positive(text: str) -> int:
    """An integer >= 1 of the command line."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text} is not >= 1')
    return int(text)


def run(args: argparse.Namespace, runner: Callable = run_cells) -> int:
    """Fill the grid, then print the table of what there is.

    Args:
        args: Command line.
        runner: Runs cells; replaced in tests.

    Returns:
        1 if a cell failed, else 0.
    """
    check_environment()
    recipes = choose_recipes(args.directions, args.methods)
    cells = make_cells(recipes, args.seeds, args.repeat_seed)
    root = ensure_writable(args.work_root, '--work-root')
    settings = RunSettings(
        work_root=root,
        processes=args.gpus,
        launcher=args.launcher,
        ignore_code=args.ignore_code,
        parallel=args.parallel,
    )
    made = ensure_street_world(recipes, args.parallel)
    if made:
        print(f'made StreetWorld: {", ".join(made)}')
    result = runner(cells, settings, Console(highlight=False))
    records = Path(args.records or root / 'records')
    publish_records(result, records)
    args.records = str(records)
    if result.records:
        for text in make_pictures(result, settings, records, args.directions):
            print(f'warning: {text}', file=sys.stderr)
    _show(args, result)
    return 1 if result.failures else 0


def _show(args: argparse.Namespace, result: GridResult) -> None:
    """Table, reports and failures after a run."""
    if result.records:
        benchmark = _load(args)
        if args.out:
            out = ensure_writable(args.out, '--out')
            for path in write_all(benchmark, out, _panels(args)):
                print(f'wrote {path}')
        print(benchmark.text())
    if result.failures:
        total = len(result.failures) + len(result.records)
        lines = [f'{len(result.failures)} of {total} cells failed:']
        lines += result.failure_lines()
        print('\n'.join(lines), file=sys.stderr)


def table(args: argparse.Namespace) -> None:
    """Print or write the table."""
    benchmark = _load(args)
    _write(args.out, getattr(benchmark, args.format)())


def noise(args: argparse.Namespace) -> None:
    """Print the noise report."""
    for direction, one in _load(args).noises.items():
        print('\n  '.join([f'{direction}: noise', *one.lines()]))


def report(args: argparse.Namespace) -> None:
    """Write the HTML page."""
    _write(args.out, _load(args).html(_panels(args)))


def _load(args: argparse.Namespace) -> Benchmark:
    return load_benchmark(
        args.records,
        REPORTED,
        directions=args.directions,
        seeds=args.seeds,
        allow_mixed=args.allow_mixed_protocols,
    )


def _panels(args: argparse.Namespace) -> Path:
    given = getattr(args, 'panels', None)
    if given is not None and not Path(given).is_dir():
        raise FileNotFoundError(f'--panels {given}: no such folder')
    return Path(given or Path(args.records) / 'panels')


def _write(path: str | None, text: str) -> None:
    if path is None:
        print(text, end='')
        return
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
    print(f'wrote {path}')


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the tool; 2 after an error of the user, 1 after failed cells."""
    args = parse_args(argv)
    # Children are ended too, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tools = {'run': run, 'table': table, 'noise': noise, 'report': report}
    try:
        return tools[args.command](args)
    except KeyboardInterrupt:
        print('interrupted; the same command goes on', file=sys.stderr)
        return 130


if __name__ == '__main__':
    exit_with(main)
