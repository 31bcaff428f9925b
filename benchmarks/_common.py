# SPDX-License-Identifier: Apache-2.0
"""What the benchmark programs share: options, clock, JSON and table."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

import cv2
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from prettytable import PrettyTable

from mmseg_da.reporting import describe_machine, describe_versions
from mmseg_da.utils.files import write_json

REPO = Path(__file__).resolve().parents[1]


def make_parser(description: str) -> argparse.ArgumentParser:
    """Parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(
        description=description.split('\n', maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('--json', type=Path, help='file; default: stdout')
    parser.add_argument('--threads', type=int, default=1, help='of torch')
    return parser


def add_size_options(
    parser: argparse.ArgumentParser, size: tuple[int, int] = (512, 1024)
) -> None:
    """Size of the images and width of the network."""
    add = parser.add_argument
    add('--size', type=int, nargs=2, default=size, metavar=('H', 'W'))
    add('--width', type=int, default=64, help='64 is R101')


def add_step_options(
    parser: argparse.ArgumentParser, size: tuple[int, int] = (512, 1024)
) -> None:
    """Options of the programs that time one training step."""
    add_size_options(parser, size)
    add = parser.add_argument
    add('--steps', type=int, default=9)
    add('--warm-up', type=int, default=2)
    add('--device', default=default_device())
    add(
        '--clock',
        choices=('wall', 'cpu'),
        default='wall',
        help='cpu: processor time, for a busy machine without a GPU',
    )


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """The options, for the JSON."""
    return {k: v for k, v in vars(args).items() if k != 'json'}


def narrow_resnet(backbone: ConfigDict, width: int) -> None:
    """Set the width of a ResNet's config; no file with weights is read."""
    backbone.update(base_channels=width, stem_channels=width, init_cfg=None)


def use_threads(threads: int) -> None:
    """Limit torch and OpenCV; must be called before anything is timed."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def now(device: str = 'cpu') -> float:
    """Seconds of a monotonic clock, after all work of the device is done."""
    if device != 'cpu':
        torch.cuda.synchronize()
    return time.perf_counter()


def timed(work: Callable[[], Any], args: argparse.Namespace) -> float:
    """Seconds of a piece of work, by the chosen clock and device."""

    def clock() -> float:
        wall = now(args.device)
        return wall if args.clock == 'wall' else time.process_time()

    start = clock()
    work()
    return clock() - start


def in_fresh_process(function: Callable, *arguments: Any) -> Any:
    """Result of a function in a process of its own, for its peak memory."""
    context = get_context('spawn')
    with ProcessPoolExecutor(1, context, initializer=_be_quiet) as pool:
        return pool.submit(function, *arguments).result()


def _be_quiet() -> None:
    """Keep mmengine's log out of stdout, where the JSON goes."""
    MMLogger.get_current_instance().setLevel('WARNING')


def default_device() -> str:
    """``'cuda'`` where there is one, else ``'cpu'``."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def median_ms(seconds: Sequence[float]) -> float:
    """Median in milliseconds."""
    return 1000 * statistics.median(seconds)


def peak_memory_mib() -> dict[str, float]:
    """Peak memory of this process, and of the GPU where there is one."""
    unit = 2**20 if sys.platform == 'darwin' else 2**10
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = {'rss': usage / unit}
    if torch.cuda.is_available():
        memory['cuda'] = torch.cuda.max_memory_allocated() / 2**20
    return memory


def peak_cuda_mib(*works: Callable[[], Any]) -> float | None:
    """Peak GPU memory of pieces of work; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    torch.cuda.reset_peak_memory_stats()
    for work in works:
        work()
    return torch.cuda.max_memory_allocated() / 2**20


def print_table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """A table on stderr, for people; floats with three digits."""
    table = PrettyTable(list(head))
    table.align = 'r'
    table.align[head[0]] = 'l'
    for row in rows:
        table.add_row([f'{v:.3g}' if isinstance(v, float) else v for v in row])
    print(f'\n{title}\n{table}', file=sys.stderr)


def report(name: str, path: Path | None, result: Mapping[str, Any]) -> None:
    """Write the JSON to a file, or to stdout for programs."""
    content = {
        'benchmark': name,
        **result,
        'peak_memory_mib': peak_memory_mib(),
        'machine': describe_machine(),
        'versions': describe_versions(),
    }
    if path is None:
        print(json.dumps(content, indent=1))
    else:
        write_json(path, content)
