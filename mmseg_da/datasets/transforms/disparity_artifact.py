# SPDX-License-Identifier: Apache-2.0
"""Loading of the disparities that ``make_artifact.py disparity`` wrote."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmseg_da.engine.artifacts import Artifact, ArtifactStore

from ..depth_decoding import decode_grey
from ..image_files import read_file

__all__ = ['LoadDisparityArtifact']

_BITS = {'minmax8': 8, 'raw16': 16}


@TRANSFORMS.register_module()
class LoadDisparityArtifact(BaseTransform):
    """Load the predicted disparity of an image.

    The files have the size of the images that the depth network saw, and are
    not resized: belongs right behind the resize to that size, in front of
    flips and crops, which move it like a label.

    Required keys: ``img``, ``sample_stem``. Added keys: ``disparity``,
    float32 (H, W) in [0, 1], p / 255 or p / 65535 by the artefact's encoding,
    named in ``seg_fields`` and ``map_fields``.

    Args:
        key: Name of the artefact of kind ``disparity``.
        root: Artefact store.
        encoding: Encoding that the artefact has to have, 'minmax8' or
            'raw16': values of the other mean something else. Defaults to
            None, any.
        config: Name of the config whose network makes it, for messages.
    """

    def __init__(
        self,
        key: str,
        root: str = 'artifacts',
        encoding: str | None = None,
        config: str = '',
    ) -> None:
        self.key = key
        self.root = root
        self.encoding = encoding
        self.config = config
        self._opened: Artifact | None = None

    def transform(self, results: dict) -> dict:
        """Add ``disparity``.

        Raises:
            FileNotFoundError: The artefact, or its file of this image, is
                missing; names the command that makes it.
            ValueError: Damaged, of another bit depth, of another size than
                the image, or the image was mirrored before.
        """
        if results.get('flip'):
            raise ValueError(
                f'LoadDisparityArtifact: {results.get("img_path")} is '
                'mirrored already. Put it in front of the flips and crops.'
            )
        artifact = self._artifact()
        name = f'{results["sample_stem"]}.png'
        if name not in artifact.manifest['files']:
            meta = artifact.manifest['meta']
            raise FileNotFoundError(
                f'{artifact.path / name}: no disparity of '
                f'{results.get("img_path")}; the artefact holds '
                f'{meta["num_images"]} images of {meta["dataset"]} '
                f'{meta["split"]}. Export the split that is read here: '
                f'{self._command()}'
            )
        disparity = self._load(artifact, name)
        size = results['img'].shape[:2]
        if disparity.shape != size:
            raise ValueError(
                f'{artifact.path / name}: size {disparity.shape[1]}x'
                f'{disparity.shape[0]}, but the image is {size[1]}x{size[0]} '
                'here. Put LoadDisparityArtifact right behind the resize to '
                'the size of the depth network, or export anew at this size: '
                f'{self._command()}'
            )
        results['disparity'] = disparity
        # New lists: test-time copies of `results` share the old ones.
        for fields in ('seg_fields', 'map_fields'):
            results[fields] = [*results.get(fields, []), 'disparity']
        return results

    def check(self) -> None:
        """Check that the artefact is there and as expected.

        Raises:
            FileNotFoundError: It is missing; names the command.
            ValueError: It is damaged or of another encoding; likewise.
        """
        self._artifact()

    def _artifact(self) -> Artifact:
        if self._opened is None:
            expect = {}
            if self.encoding is not None:
                expect['meta'] = {'encoding': self.encoding}
            found = ArtifactStore(self.root).open(
                'disparity', self.key, expect, command=self._command()
            )
            encoding = found.manifest['meta'].get('encoding')
            if encoding not in _BITS:
                raise ValueError(
                    f'{found.path}: encoding {encoding!r} is unknown; '
                    f'expected one of {list(_BITS)}. {self._command()}'
                )
            self._opened = found
        return self._opened

    def _load(self, artifact: Artifact, name: str) -> np.ndarray:
        encoding = artifact.manifest['meta']['encoding']
        path = str(artifact.path / name)
        bits = _BITS[encoding]
        try:
            raw = decode_grey(read_file(path), path, bits)
        except ValueError as error:
            raise ValueError(
                f'{error} The artefact says {encoding}; export it anew: '
                f'{self._command()} --overwrite'
            ) from error
        return raw.astype(np.float32) / (2**bits - 1)

    def _command(self) -> str:
        config = 'CONFIG'
        if self.config:
            config = f'configs/methods/{self.config}.py'
        encoding = f' --encoding {self.encoding}' if self.encoding else ''
        return (
            f'python tools/make_artifact.py disparity {config} CHECKPOINT'
            f'{encoding} --key {self.key} --root {self.root}'
        )

    def __repr__(self) -> str:
        return f'{type(self).__name__}(key={self.key!r}, root={self.root!r})'
