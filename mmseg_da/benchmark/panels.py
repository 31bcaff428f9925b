# SPDX-License-Identifier: Apache-2.0
"""Pictures of the same images for every method, as small files.

``<folder>/<direction>/panels.json`` names images and rows; beside it lie
``image/<name>.jpg``, ``truth/<name>.png`` and ``<row>/<name>.png``, label maps
of train ids. The folder can be copied with the records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_da.datasets.class_views import ClassView, get_class_view
from mmseg_da.datasets.transforms.loading import LoadRawLabels
from mmseg_da.reporting import (
    Panel,
    colorize,
    encode_image,
    evenly_spaced,
)
from mmseg_da.utils.files import atomic_write, write_json
from mmseg_da.utils.typed_json import parse, to_json

COUNT = 5
_FILE = 'panels.json'


@dataclass(frozen=True)
class PanelSet:
    """Content of ``panels.json``.

    Attributes:
        class_view: Of the label maps.
        images: Names, in the order of the positions.
        rows: Names of rows and the folders of their predictions.
    """

    class_view: str
    images: tuple[str, ...]
    rows: dict[str, str]


def collect_panels(
    folder: str | Path,
    config: Config,
    predictions: Mapping[str, Path],
    keep: Collection[str] = (),
    count: int = COUNT,
) -> None:
    """Copy images, truth and predictions at fixed positions.

    Args:
        folder: Folder of one direction.
        config: Config whose test data the predictions are of.
        predictions: Row name to the folder that ``tools/test.py --out``
            wrote.
        keep: Rows whose pictures stay if they are there already, of the same
            images.
        count: Number of images, evenly spaced in the test data.

    Raises:
        FileNotFoundError: A prediction is not there.
    """
    folder = Path(folder)
    init_default_scope(config.get('default_scope', 'mmseg'))
    load_labels = LoadRawLabels()
    dataset = DATASETS.build(config.test_dataloader.dataset)
    view = get_class_view(dataset.metainfo['class_view'])
    indices = evenly_spaced(len(dataset), count)
    infos = [dataset.get_data_info(index) for index in indices]
    images = tuple(Path(info['img_path']).stem for info in infos)
    kept = _kept_rows(folder, view.name, images, keep)
    kept = {row: kept[row] for row in kept if row not in predictions}
    rows = _name_folders(kept, predictions)
    for info, name in zip(infos, images, strict=True):
        with Image.open(info['img_path']) as picture:
            _save(folder / f'image/{name}.jpg', picture.convert('RGB'))
        truth = load_labels(info)['gt_seg_map']
        _save(folder / f'truth/{name}.png', Image.fromarray(truth))
        for row, source in predictions.items():
            ids = read_prediction(source, name, view)
            _save(folder / rows[row] / f'{name}.png', Image.fromarray(ids))
    content = PanelSet(view.name, images, rows)
    write_json(folder / _FILE, to_json(content))


def _kept_rows(
    folder: Path, view: str, images: Sequence[str], keep: Collection[str]
) -> dict[str, str]:
    """Rows that are there and can stay, and their folders."""
    try:
        old = _read(folder / _FILE)
    except (FileNotFoundError, ValueError):  # Damaged: it is written anew.
        return {}
    if (old.class_view, old.images) != (view, images):
        return {}
    return {row: place for row, place in old.rows.items() if row in keep}


def _name_folders(
    kept: Mapping[str, str], names: Collection[str]
) -> dict[str, str]:
    """Folders of rows: those of ``kept``, and new ones named after rows."""
    folders = dict(kept)
    for name in names:
        slug = re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')
        taken, place, number = {'image', 'truth', *folders.values()}, slug, 1
        while place in taken:
            number += 1
            place = f'{slug}-{number}'
        folders[name] = place
    return folders


def is_predicted(folder: Path) -> bool:
    """Whether ``tools/test.py --out`` finished a folder."""
    try:
        text = (folder / 'predictions.json').read_text(encoding='utf-8')
        return bool(json.loads(text).get('classes'))
    except (OSError, ValueError, AttributeError):
        return False


def read_prediction(folder: Path, name: str, view: ClassView) -> np.ndarray:
    """Train ids, uint8 (H, W), of one image of a test run.

    Args:
        folder: What ``--out`` named: train ids or a Cityscapes submission.
        name: Stem of the image file.
        view: Class view of the prediction.

    Raises:
        FileNotFoundError: The folder has no prediction of this image.
    """
    plain = folder / f'train_ids/{name}.png'
    frame = name.removesuffix('_leftImg8bit')
    submitted = folder / f'label_ids/{frame}_pred_labelIds.png'
    for path, lut in ((plain, None), (submitted, view.lut('cityscapes'))):
        if path.is_file():
            with Image.open(path) as picture:
                ids = np.asarray(picture)
            return ids if lut is None else lut[ids]
    raise FileNotFoundError(
        f'{folder} has no prediction of {name}; expected {plain.name} in '
        f'train_ids or {submitted.name} in label_ids. Run the test again '
        'with --out.'
    )


def read_panels(
    folder: str | Path, names: Sequence[str]
) -> tuple[list[str], list[Panel], ClassView] | None:
    """Titles, pictures and class view of a direction.

    Args:
        folder: Folder of one direction.
        names: Rows in the wanted order; those without pictures are left out.

    Returns:
        None if there is no ``panels.json``.

    Raises:
        ValueError: It is damaged, or a file that it names is.
    """
    folder = Path(folder)
    try:
        content = _read(folder / _FILE)
    except FileNotFoundError:
        return None
    view = get_class_view(content.class_view)
    shown = [name for name in names if name in content.rows]
    places = ['truth', *(content.rows[name] for name in shown)]
    panels = []
    for name in content.images:
        with Image.open(folder / f'image/{name}.jpg') as picture:
            line = [encode_image(picture)]
        for place in places:
            with Image.open(folder / place / f'{name}.png') as labels:
                line.append(encode_image(colorize(np.asarray(labels), view)))
        panels.append(Panel(name, line))
    return ['image', 'ground truth', *shown], panels, view


def _read(path: Path) -> PanelSet:
    text = path.read_text(encoding='utf-8')
    try:
        return parse(PanelSet, json.loads(text))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None


def _save(path: Path, picture: Image.Image) -> None:
    kind = 'JPEG' if path.suffix == '.jpg' else 'PNG'
    with atomic_write(path) as temporary:
        picture.save(temporary, kind)
