# SPDX-License-Identifier: Apache-2.0
"""Ranking with real networks: the hook, the tool, and the next stage."""

import argparse
import shutil

import contract
import numpy as np
import pytest
import states
import torch
import torch.nn.functional as F
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.commands import load_command
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric
from mmseg_da.uda.hooks import EntropyRankingHook
from mmseg_da.uda.rank_images import (
    build_ranking_loader,
    list_entries,
    rank_images,
)

CONFIGS = contract.REPO / 'configs/methods'


def run_command(root, *arguments):
    command = load_command('entropy_ranking')
    parser = argparse.ArgumentParser()
    for name in ('--key', '--overwrite', '--clear'):
        parser.add_argument(name)
    command.add_arguments(parser)
    args = parser.parse_args([str(x) for x in arguments])
    return command.run(args, ArtifactStore(root))


def files_of(root, key):
    artifact = ArtifactStore(root).open('entropy_ranking', key, verify='full')
    return {name: path.read_bytes() for name, path in artifact.files.items()}


@pytest.fixture(scope='module')
def trained(street_world, tmp_path_factory):
    """One iteration of AdvEnt with the hook: store, config, checkpoint."""
    folder = tmp_path_factory.mktemp('trained')
    path = CONFIGS / 'advent_swg2swc.py'
    cfg = contract.small_config(path, street_world, folder / 'run', 1)
    cfg.custom_hooks.append(
        dict(
            type='EntropyRankingHook',
            dataset=cfg.target_images.to_dict(),
            root=str(folder / 'store'),
            key='hook',
        )
    )
    contract.run(cfg)
    config = folder / 'advent_swg2swc.py'
    cfg.dump(config)
    return folder / 'store', config, folder / 'run/iter_1.pth'


def test_the_hook_and_the_tool_write_the_same(trained):
    """Also: the checkpoint holds the target's BatchNorm statistics."""
    root, config, checkpoint = trained
    text = run_command(root, config, checkpoint)
    assert '5 easy, 3 hard images' in text
    assert files_of(root, 'advent_swg2swc') == files_of(root, 'hook')
    both = [
        ArtifactStore(root).open('entropy_ranking', key).manifest
        for key in ('hook', 'advent_swg2swc')
    ]
    assert both[0]['producer'].keys() == {'config', 'code', 'weights'}
    assert both[1]['producer'].keys() == {'config', 'code', 'checkpoint'}


def test_options_of_the_tool(trained):
    root, config, checkpoint = trained
    options = ['--normalize', '--easy-ratio', '0.5', '--entropy-maps']
    named = [f'--config={config}', f'--checkpoint={checkpoint}']
    text = run_command(root, *named, *options, '--batch-size=3')
    assert '4 easy, 4 hard' in text
    store = ArtifactStore(root)
    artifact = store.open('entropy_ranking', 'advent_swg2swc-norm')
    assert artifact.manifest['meta']['normalize'] is True
    assert sum(name.startswith('entropy/') for name in artifact.files) == 8


def test_a_plain_checkpoint_gives_the_same_ranking(trained, tmp_path):
    """As converters and tools/misc/export_segmentor.py write it."""
    root, config, checkpoint = trained
    content = torch.load(checkpoint, weights_only=False)
    plain = {
        key.removeprefix('segmentor.'): value
        for key, value in content['state_dict'].items()
        if key.startswith('segmentor.')
    }
    torch.save({'state_dict': plain}, tmp_path / 'plain.pth')
    run_command(tmp_path, config, tmp_path / 'plain.pth')
    found = files_of(tmp_path, 'advent_swg2swc')
    assert found == files_of(root, 'hook')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c, k: ['missing.py', k], "config 'missing.py' does not exist"),
        (lambda c, k: [c], 'checkpoint is missing: make_artifact.py'),
        (lambda c, k: [c, c.with_name('no.pth')], 'no such checkpoint'),
        (lambda c, k: [c, k, '--easy-ratio=1.5'], r'must be in \[0, 1\]'),
        (lambda c, k: [c, k, '--easy-ratio=1'], 'leaves no hard image'),
        (
            lambda c, k: [CONFIGS / 'advent_gta2cs.py', k],
            'other shapes than the model|does not fit',
        ),
    ],
)
def test_wrong_use_of_the_tool(
    trained, street_world, monkeypatch, change, message
):
    for name, value in contract.dataset_roots(street_world).items():
        monkeypatch.setenv(name, value)
    root, config, checkpoint = trained
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run_command(root / 'wrong', *change(config, checkpoint))
    assert not (root / 'wrong').exists()


def hook_of(trained, **options):
    root, config, _ = trained
    cfg = contract.Config.fromfile(config)
    dataset = cfg.target_images.to_dict()
    return EntropyRankingHook(dataset, str(root), **options)


class FakeRunner:
    _resume = False


def test_the_hook_refuses_early(trained):
    with pytest.raises(FileExistsError, match='hook is finished; choose'):
        hook_of(trained, key='hook').before_train(FakeRunner())
    hook_of(trained, key='hook', overwrite=True).before_train(FakeRunner())
    with pytest.raises(ValueError, match='of 8 images leaves no easy'):
        hook_of(trained, key='k', easy_ratio=0.1).before_train(FakeRunner())


def test_a_resumed_training_may_rank_again(trained):
    runner = FakeRunner()
    runner._resume = True
    hook_of(trained, key='hook').before_train(runner)


def test_labels_are_the_logits_enlarged_once(street_world, tmp_path):
    """Oracle 13, with the published architecture."""
    path = CONFIGS / 'advent_gta2cs.py'
    cfg = contract.small_config(path, street_world, tmp_path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    loader = build_ranking_loader(cfg.target_images.to_dict())
    images = list_entries(loader.dataset)
    metric = EntropyRankingMetric(str(tmp_path), 'key', images=images)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    rank_images(model, loader, metric)
    assert model.training
    assert states.state_difference(before, model.state_dict()) == []
    files = ArtifactStore(tmp_path).open('entropy_ranking', 'key').files
    model.eval()
    for batch in loader:
        data = model.data_preprocessor(batch, False)
        with torch.no_grad():
            small = model.segmentor(data['inputs'], mode='tensor')
        assert small.shape == (1, 19, 9, 17)
        logits = F.interpolate(
            small, (64, 128), mode='bilinear', align_corners=True
        )
        name = data['data_samples'][0].img_path.rpartition('/')[2]
        label = np.array(Image.open(files[f'labels/{name}']))
        assert np.array_equal(label, logits[0].argmax(0).numpy())


def test_a_config_without_images_to_rank(trained, tmp_path):
    root, config, checkpoint = trained
    cfg = contract.Config.fromfile(config)
    cfg.target_images = None
    cfg.dump(tmp_path / 'none_swg2swc.py')
    with pytest.raises(ValueError, match="has no dataset 'target_images'"):
        run_command(root, tmp_path / 'none_swg2swc.py', checkpoint)


@pytest.mark.parametrize('name', ['intrada_gta2cs', 'intrada_swg2swc'])
def test_stage_3_reads_the_target_images_only(name, street_world, tmp_path):
    """Oracle 23: neither a source domain nor gtFine/train is there."""
    path = CONFIGS / f'{name}.py'
    data = tmp_path / 'data'
    kept = ('artifacts', 'cityscapes/leftImg8bit/train')
    for name in kept:
        shutil.copytree(street_world / name, data / name)
    cfg = contract.small_config(path, data, tmp_path / 'run', iters=1)
    _, recorder = contract.run(cfg)
    assert 'source.decode.loss_ce' in recorder.logs[0]


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (shutil.rmtree, r'advent_gta2cs is missing; make it with'),
        (
            lambda folder: folder.rename(
                folder.with_name('advent_gta2cs.partial')
            ),
            'was interrupted before it was finished',
        ),
        (
            lambda folder: shutil.copytree(
                folder.with_name('advent_gta2cs-norm'),
                folder,
                dirs_exist_ok=True,
            ),
            'put into the wrong folder',
        ),
    ],
)
def test_no_iteration_without_its_ranking(
    street_world, tmp_path, spoil, message
):
    data = tmp_path / 'data'
    for name in ('artifacts', 'cityscapes/leftImg8bit/train'):
        shutil.copytree(street_world / name, data / name)
    spoil(data / 'artifacts/entropy_ranking/advent_gta2cs')
    path = CONFIGS / 'intrada_gta2cs.py'
    cfg = contract.small_config(path, data, tmp_path / 'run', iters=1)
    # The Runner builds it before anything else of a training.
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        DATASETS.build(cfg.train_dataloader.dataset)


def test_a_ranking_of_other_settings_is_stale(
    street_world, tmp_path, monkeypatch
):
    monkeypatch.setenv('ENTROPY_RANKING_KEY', 'advent_gta2cs-norm')
    path = CONFIGS / 'intrada_gta2cs.py'
    cfg = contract.small_config(path, street_world, tmp_path, iters=1)
    with pytest.raises(ValueError, match=r'is stale: its meta is'):
        contract.run(cfg)
