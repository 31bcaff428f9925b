# SPDX-License-Identifier: Apache-2.0
"""Images per second of the metric at the size of Cityscapes.

``SubsetIoUMetric`` (one confusion matrix by integer bincount) against
mmseg's ``IoUMetric`` (four histograms), in turns on the same maps.

    python benchmarks/evaluation_speed.py --images 12
"""

from __future__ import annotations

import statistics

import _common as common
import torch
from mmseg.evaluation import IoUMetric

from mmseg_da.datasets.class_views import IGNORE_INDEX, get_class_view
from mmseg_da.evaluation import SubsetIoUMetric

_BLOCK = 16
_RIGHT = 0.7


def make_samples(
    images: int, size: tuple[int, int], device: str
) -> list[dict]:
    """Label maps of blocks and predictions that are right in 70 %.

    Args:
        images: Number of samples.
        size: ``(height, width)``, multiples of 16.
        device: Where predictions and labels lie.
    """
    generator = torch.Generator().manual_seed(0)
    height, width = size
    samples = []
    for number in range(images):
        blocks = torch.randint(
            0, 20, (height // _BLOCK, width // _BLOCK), generator=generator
        )
        blocks[blocks == 19] = IGNORE_INDEX
        label = blocks.repeat_interleave(_BLOCK, 0)
        label = label.repeat_interleave(_BLOCK, 1)
        guess = torch.randint(0, 19, size, generator=generator)
        right = torch.rand(size, generator=generator) < _RIGHT
        right &= label != IGNORE_INDEX
        sample = {'img_path': f'{number}.png'}
        for key, ids in (
            ('pred_sem_seg', torch.where(right, label, guess)),
            ('gt_sem_seg', label),
        ):
            sample[key] = {'data': ids[None].to(device)}
        samples.append(sample)
    return samples


def main() -> None:
    """Measure both metrics and report."""
    parser = common.make_parser(__doc__)
    parser.add_argument('--images', type=int, default=12)
    parser.add_argument('--height', type=int, default=1024)
    parser.add_argument('--width', type=int, default=2048)
    parser.add_argument('--device', default=common.default_device())
    args = parser.parse_args()
    common.use_threads(args.threads)
    view = get_class_view('cityscapes19')
    metrics = {'SubsetIoUMetric': SubsetIoUMetric(), 'IoUMetric': IoUMetric()}
    for metric in metrics.values():
        metric.dataset_meta = {**view.metainfo(), 'class_view': view.name}
    samples = make_samples(args.images, (args.height, args.width), args.device)
    seconds = {name: [] for name in metrics}
    for metric in metrics.values():  # warm-up
        metric.process({}, samples[:1])
        metric.results.clear()
    for sample in samples:
        for name, metric in metrics.items():
            start = common.now(args.device)
            metric.process({}, [sample])
            seconds[name].append(common.now(args.device) - start)
    rates = {n: 1 / statistics.median(s) for n, s in seconds.items()}
    scores = {
        n: float(m.evaluate(args.images)['mIoU']) for n, m in metrics.items()
    }
    common.print_table(
        f'Metric at {args.height}x{args.width}, {args.device}',
        ('metric', 'img/s', 'ms per image', 'mIoU'),
        [(n, rates[n], 1000 / rates[n], f'{scores[n]:.2f}') for n in metrics],
    )
    result = {
        'settings': {
            'images': args.images,
            'size': [args.height, args.width],
            'classes': view.num_classes,
            'device': args.device,
        },
        'images_per_second': rates,
        'mIoU': scores,
    }
    common.report('evaluation_speed', args.json, result)


if __name__ == '__main__':
    main()
