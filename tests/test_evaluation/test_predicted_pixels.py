# SPDX-License-Identifier: Apache-2.0
"""Class statistics of predictions, without and with files."""

import os
from unittest import mock

import contract
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from tool_calls import load

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion.class_stats import class_stats_of_folder
from mmseg_da.datasets.conversion.sac_weights import read_sac_weights
from mmseg_da.datasets.conversion.stats_artifact import load_class_stats
from mmseg_da.datasets.samplers import ClassCyclePolicy
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.evaluation.predicted_pixels import PredictedPixels

VIEW = get_class_view('cityscapes19')


def sample(path, labels):
    found = SegDataSample()
    found.set_metainfo({'img_path': path})
    found.pred_sem_seg = PixelData(data=torch.tensor([labels]))
    return found.to_dict()


def test_counts_by_hand():
    metric = PredictedPixels()
    metric.dataset_meta = {'classes': ('a', 'b', 'c')}
    metric.process(None, [sample('1.png', [[0, 2], [2, 2]])])
    # A second time, as samplers of several processes pad.
    metric.process(None, [sample('2.png', [[1, 1]]), sample('1.png', [[0]])])
    assert metric.compute_metrics(metric.results[:2]) == {}
    assert {k: v.tolist() for k, v in metric.counts.items()} == {
        '1.png': [1, 0, 3],
        '2.png': [0, 2, 0],
    }
    with pytest.raises(ValueError, match=r'3.png: .* id 3, expected 0..2'):
        metric.process(None, [sample('3.png', [[3]])])


def test_no_scores():
    metric = PredictedPixels()
    metric.dataset_meta = {'classes': ('a', 'b', 'c')}
    metric.process(None, [sample('1.png', [[0, 2]])])
    assert metric.evaluate(1) == {}


@pytest.fixture
def trained(street_world, tmp_path):
    """A config and weights of an untrained network."""
    with mock.patch.dict(os.environ, contract.dataset_roots(street_world)):
        path = contract.REPO / 'configs/methods/source-only_swg2swc.py'
        cfg = contract.small_config(path, street_world, tmp_path)
    cfg.dump(tmp_path / 'config.py')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'net.pth')
    return tmp_path / 'config.py', tmp_path / 'net.pth'


def test_from_a_checkpoint_to_a_policy(
    trained, tmp_path, load_make_artifact, capsys
):
    """One command; the counts of the PNGs; the sampler takes them."""
    config, checkpoint = trained
    root, pngs = tmp_path / 'artifacts', tmp_path / 'pngs'
    argv = [
        'class_stats', '--key=w', f'--root={root}', f'--config={config}',
        f'--checkpoint={checkpoint}',
    ]  # fmt: skip
    weights = tmp_path / 'weights.json'
    extra = [f'--save-predictions={pngs}', f'--export-sac={weights}']
    assert load_make_artifact(argv + extra) == 0
    assert '8 images' in capsys.readouterr().out
    stats = load_class_stats(ArtifactStore(root), 'w', VIEW.name)
    files = class_stats_of_folder(
        pngs / 'train_ids', VIEW, '_leftImg8bit.png', workers=1
    )
    assert stats.counts.sum() == 8 * 64 * 128
    np.testing.assert_array_equal(stats.rows_of(files.names), files.counts)
    shares = read_sac_weights(weights)
    present = np.flatnonzero(stats.counts.sum(0))
    for c in present:
        total = sum(entry.get(int(c), 0) for entry in shares.values())
        assert total == pytest.approx(1)
    cfg = Config.fromfile(config)
    dataset = DATASETS.build(cfg.target_train)
    policy = ClassCyclePolicy(
        dataset, class_stats='w', artifact_root=str(root)
    )
    np.testing.assert_allclose(policy.cumulative[:, -1], 1)
    with pytest.raises(FileExistsError, match='another --key or --overwrite'):
        load_make_artifact(argv)


@pytest.fixture
def load_make_artifact():
    return load('make_artifact').main


def test_bad_options(trained, tmp_path, load_make_artifact):
    config, checkpoint = trained
    base = ['class_stats', f'--root={tmp_path}', '--key=w']
    with pytest.raises(ValueError, match='--checkpoint needs the --config'):
        load_make_artifact([*base, '--checkpoint=x.pth'])
    with pytest.raises(ValueError, match='--labels and --checkpoint do not g'):
        load_make_artifact([*base, '--labels=x', '--checkpoint=x.pth'])
    with pytest.raises(ValueError, match='--save-predictions goes with'):
        load_make_artifact([*base, '--labels=x', '--save-predictions=y'])
    argv = [*base, f'--config={config}']
    with pytest.raises(FileNotFoundError, match="'no.pth' does not exist"):
        load_make_artifact([*argv, '--checkpoint=no.pth'])
    argv += [f'--checkpoint={checkpoint}', '--member=source_train']
    with pytest.raises(ValueError, match='source_train has .*MultiBranch'):
        load_make_artifact(argv)
    argv = ['class_stats', f'--config={config}', f'--checkpoint={checkpoint}']
    with pytest.raises(ValueError, match='--key: name the artefact'):
        load_make_artifact(argv)
