# SPDX-License-Identifier: Apache-2.0
"""The worked example of CONTRIBUTING.md, run as it is printed."""

import re

import contract
import pytest


def code_blocks() -> dict[str, str]:
    text = (contract.REPO / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    blocks = re.findall(r'```python\n# (\S+)\n(.*?)```', text, re.DOTALL)
    return dict(blocks)


def test_the_worked_example_trains(street_world, tmp_path):
    blocks = code_blocks()
    method = blocks['mmseg_da/uda/methods/self_training.py']
    config = blocks['configs/methods/self-training_swg2swc.py']
    lines = [*method.splitlines(), *config.splitlines()]
    assert len([line for line in lines if line.strip()]) <= 60
    exec(compile(method, 'CONTRIBUTING.md', 'exec'), {})
    folder = contract.REPO / 'configs/methods'
    path = tmp_path / 'self-training_swg2swc.py'
    path.write_text(config.replace("'./", f"'{folder}/"), encoding='utf-8')
    cfg = contract.small_config(path, street_world, tmp_path / 'run')
    _, recorder = contract.run(cfg)
    for entry in recorder.logs:
        parts = entry['source.decode.loss_ce'] + entry['target.loss_pseudo']
        assert entry['loss'] == pytest.approx(parts, rel=1e-5)
        assert 0 <= entry['target.pseudo_ratio'] <= 1
