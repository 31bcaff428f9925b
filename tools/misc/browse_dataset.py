# SPDX-License-Identifier: Apache-2.0
"""Write pictures of what the network sees: images and labels per branch.

Every sample goes through its pipeline and the model's data preprocessor;
the picture shows the de-normalised image and, beside it, the labels over
it (ignored pixels are black). Needs no display.

    python tools/misc/browse_dataset.py CONFIG --out browse --num 12
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine import Config, ConfigDict
from mmengine.dataset import ConcatDataset, pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from rich.progress import track

from mmseg_da.datasets.draw import seeded_draw
from mmseg_da.utils.cli import add_config_arguments, exit_with
from mmseg_da.utils.files import atomic_write, ensure_writable
from mmseg_da.utils.tool_runner import load_config

IGNORE_INDEX = 255
OPACITY = 0.6


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_config_arguments(parser)
    parser.add_argument('--out', type=Path, default=Path('browse'))
    parser.add_argument('--num', type=int, default=12, help='samples')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='train'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the augmentation'
    )
    return parser.parse_args(argv)


def build_dataset(config: Config, split: str) -> object:
    """Build the dataset of a split.

    Raises:
        ValueError: If the config has no such dataloader.
    """
    loader = config.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(
            f'{config.filename}: {split}_dataloader is not set; choose '
            'another --split'
        )
    return DATASETS.build(loader.dataset)


def choose(dataset: object, num: int) -> list[int]:
    """Choose indices spread over the set, in turn from its members.

    Args:
        dataset (object): A dataset, perhaps a ``ConcatDataset``.
        num (int): How many, at least 1.

    Returns:
        list[int]: At most ``num`` indices into the dataset.

    Raises:
        ValueError: If ``num`` is below 1.
    """
    if num < 1:
        raise ValueError(f'--num {num}: expected 1 or more')
    if not isinstance(dataset, ConcatDataset):
        return _spread(0, len(dataset), num)
    bounds = [0, *dataset.cumulative_sizes]
    members = len(bounds) - 1
    shares = [len(range(i, num, members)) for i in range(members)]
    return [
        index
        for i, share in enumerate(shares)
        for index in _spread(bounds[i], bounds[i + 1], share)
    ]


def _spread(start: int, stop: int, num: int) -> list[int]:
    count = min(num, stop - start)
    return [start + i * (stop - start) // count for i in range(count)]


def branch_preprocessor(config: ConfigDict, branch: str) -> ConfigDict:
    """Return the ``SegDataPreProcessor`` config that a branch meets."""
    if config.type != 'MultiBranchDataPreprocessor':
        return config
    own = config.get('branch_preprocessors') or {}
    return own.get(branch, config.data_preprocessor)


def views(
    sample: dict, preprocessor: ConfigDict, training: bool
) -> Iterator[tuple[str, np.ndarray, SegDataSample]]:
    """Yield what the network gets of one sample.

    Args:
        sample (dict): Output of a pipeline, with or without branches.
        preprocessor (ConfigDict): ``model.data_preprocessor``.
        training (bool): Whether the preprocessor pads as in training.

    Yields:
        tuple: Branch name (``''`` without branches), uint8 BGR image
        (H, W, 3), data sample.
    """
    batch = pseudo_collate([sample])
    batch = MODELS.build(preprocessor)(batch, training)
    inputs, samples = batch['inputs'], batch['data_samples']
    if not isinstance(inputs, dict):
        inputs, samples = {'': inputs}, {'': samples}
    for branch, images in inputs.items():
        own = branch_preprocessor(preprocessor, branch)
        image = images[0]
        if image.ndim == 4:  # views (T, 3, H, W), one below the other
            image = torch.cat(list(image), 1)
        image = denormalise(image, own)
        yield branch, image, samples[branch][0]


def denormalise(image: torch.Tensor, preprocessor: ConfigDict) -> np.ndarray:
    """Undo the normalisation of a ``SegDataPreProcessor``.

    Args:
        image (Tensor): Normalised image (3, H, W).
        preprocessor (ConfigDict): Its ``mean``, ``std``, ``bgr_to_rgb``.

    Returns:
        np.ndarray: uint8 BGR image (H, W, 3).
    """
    image = image.detach().cpu().float().permute(1, 2, 0).numpy()
    if preprocessor.get('mean') is not None:
        image = image * np.asarray(preprocessor.std, np.float32)
        image = image + np.asarray(preprocessor.mean, np.float32)
    if preprocessor.get('bgr_to_rgb') or preprocessor.get('rgb_to_bgr'):
        image = image[..., ::-1]
    return np.ascontiguousarray(np.clip(np.rint(image), 0, 255), np.uint8)


def draw(
    image: np.ndarray, sample: SegDataSample, palette: Sequence
) -> np.ndarray:
    """Put the labels of a sample over its image, beside the image.

    Args:
        image (np.ndarray): uint8 BGR image (H, W, 3).
        sample (SegDataSample): Perhaps with ``gt_sem_seg``.
        palette (Sequence): RGB colour of each class.

    Returns:
        np.ndarray: (H, 2W, 3) with labels, (H, W, 3) without. Labels of
        another size than the image (test pipelines) set the size.
    """
    if 'gt_sem_seg' not in sample:
        return image
    label = sample.gt_sem_seg.data.squeeze(0).cpu().numpy()
    height, width = label.shape
    if image.shape[:2] != (height, width):
        image = cv2.resize(image, (width, height))
    table = np.zeros((256, 3), np.uint8)
    colors = np.asarray(palette, np.uint8)[:, ::-1]
    table[: len(colors)] = colors
    mixed = (1 - OPACITY) * image + OPACITY * table[label]
    mixed[label == IGNORE_INDEX] = 0
    return np.hstack([image, np.rint(mixed).astype(np.uint8)])


def browse(
    config: Config, out: Path, num: int, split: str, seed: int = 0
) -> list[Path]:
    """Write one PNG per sample and branch.

    Args:
        config (Config): A config of the suite or a plain mmseg one.
        out (Path): Folder of the pictures; made if needed.
        num (int): Number of samples, spread over the members.
        split (str): ``'train'``, ``'val'`` or ``'test'``.
        seed (int): Seed of the augmentation. Defaults to 0.

    Returns:
        list[Path]: ``<index>[_<dataset>][_<branch>].png`` each.

    Raises:
        ValueError: If the split or ``num`` is wrong.
        OSError: If ``out`` cannot be written.
    """
    init_default_scope(config.get('default_scope', 'mmseg'))
    dataset = build_dataset(config, split)
    indices = choose(dataset, num)
    out = ensure_writable(out, '--out')
    palette = dataset.metainfo['palette']
    preprocessor = config.model.data_preprocessor
    written = []
    for index in track(indices, description=f'{split} samples'):
        with seeded_draw((seed, index)):
            sample = dataset[index]
        for branch, image, labels in views(
            sample, preprocessor, split == 'train'
        ):
            tag = labels.metainfo.get('dataset_name', '')
            name = '_'.join(filter(None, (f'{index:05d}', tag, branch)))
            path = out / f'{name}.png'
            done, data = cv2.imencode('.png', draw(image, labels, palette))
            if not done:
                raise OSError(f'{path}: the picture could not be encoded')
            with atomic_write(path) as temporary:
                temporary.write_bytes(data.tobytes())
            written.append(path)
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures, return the exit code."""
    args = parse_args(argv)
    config = load_config(args.config, args.cfg_options)
    written = browse(config, args.out, args.num, args.split, args.seed)
    print(f'{len(written)} pictures in {args.out}')
    return 0


if __name__ == '__main__':
    exit_with(main)
