# SPDX-License-Identifier: Apache-2.0
"""Contract 4 of the tests: the suite's models in mmseg's own APIs."""

import json

import contract
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.apis import MMSegInferencer, inference_model, init_model

PATHS = [
    contract.REPO / f'configs/methods/{name}.py'
    for name in ('source-only_swg2swc', 'oracle_cs')
]


@pytest.fixture(scope='module', params=PATHS, ids=lambda p: p.stem)
def trained(request, street_world, tmp_path_factory):
    """A config, its checkpoint after one iteration, and one image."""
    work_dir = tmp_path_factory.mktemp('trained')
    cfg = contract.small_config(request.param, street_world, work_dir, 1)
    config = work_dir / 'config.py'
    cfg.dump(config)
    contract.run(cfg)
    image = next((street_world / 'cityscapes/leftImg8bit/val').rglob('*.png'))
    return config, work_dir / 'iter_1.pth', str(image)


def test_init_and_inference(trained):
    config, checkpoint, image = trained
    model = init_model(str(config), str(checkpoint), device='cpu')
    from_file = inference_model(model, image).pred_sem_seg.data
    assert from_file.shape == (1, 64, 128)
    assert from_file.min() >= 0 and from_file.max() < 19
    assert model.dataset_meta['classes'][0] == 'road'


def test_inferencer(trained):
    config, checkpoint, image = trained
    inferencer = MMSegInferencer(str(config), str(checkpoint), device='cpu')
    result = inferencer(image, show=False)['predictions']
    assert np.asarray(result).shape == (64, 128)


def test_export_equals_wrapper(trained, tmp_path, load_tool):
    config, checkpoint, image = trained
    target = tmp_path / 'plain.pth'
    tool = load_tool('misc/export_segmentor')
    assert tool.main([str(config), str(checkpoint), str(target)]) in (0, None)
    plain = init_model(
        str(target.with_suffix('.py')), str(target), device='cpu'
    )
    assert type(plain).__name__ == 'EncoderDecoder'
    wrapper = init_model(str(config), str(checkpoint), device='cpu')
    expected = inference_model(wrapper, image).seg_logits.data
    assert torch.equal(inference_model(plain, image).seg_logits.data, expected)


def test_plain_checkpoint_starts_the_wrapper(trained, tmp_path):
    """A stock mmseg checkpoint is a valid ``load_from``."""
    config, checkpoint, _ = trained
    saved = torch.load(checkpoint, weights_only=False)['state_dict']
    plain = {
        key.removeprefix('segmentor.'): value
        for key, value in saved.items()
        if key.startswith('segmentor.')
    }
    file = tmp_path / 'plain.pth'
    torch.save({'state_dict': plain}, file)
    cfg = Config.fromfile(config)
    cfg.load_from = str(file)
    cfg.work_dir = str(tmp_path)
    cfg.experiment_name = f'plain_{tmp_path.name}'
    runner = Runner.from_cfg(cfg)
    runner.load_or_resume()
    state = runner.model.state_dict()
    for key in saved:
        if key.startswith('segmentor.'):
            assert torch.equal(state[key], saved[key]), key


@pytest.mark.parametrize('options', [(), ('--tta',)], ids=['plain', 'tta'])
def test_test_tool(trained, tmp_path, load_tool, options):
    config, checkpoint, _ = trained
    result = tmp_path / 'metrics.json'
    arguments = [str(config), str(checkpoint), '--json', str(result)]
    arguments += ['--work-dir', str(tmp_path), *options]
    assert load_tool('test').main(arguments) == 0
    metrics = json.loads(result.read_text())
    assert 0 <= metrics['scores']['miou']['mIoU'] <= 100
