# SPDX-License-Identifier: Apache-2.0
"""``make_artifact.py label_selection --method ...`` on tiny data."""

import json
from unittest import mock

import contract
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tool_calls import load

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.recipes.declaration import load_recipe
from mmseg_da.uda import label_choice, label_scores, label_sources
from mmseg_da.uda.depth_model import DepthModel
from mmseg_da.uda.label_student import student_config

METHODS = contract.REPO / 'configs/methods'
TOTAL = 8


def small(name, street_world, folder):
    """A shrunk config as a file; StreetWorld of the tests is 128x64."""
    cfg = contract.small_config(
        METHODS / f'{name}.py', street_world, folder / 'work'
    )
    cfg.custom_imports = dict(imports=['mmseg_da'])
    path = folder / f'{name}.py'
    cfg.dump(str(path))
    return path


@pytest.fixture
def files(street_world, tmp_path):
    """Configs of teacher and student, and weights of the teacher."""
    init_default_scope('mmseg')
    teacher = small('sde-depth-given-pose_swc', street_world, tmp_path)
    student = small('sde-depth-student_swc', street_world, tmp_path)
    torch.manual_seed(0)
    cfg = contract.small_config(
        METHODS / 'sde-depth-given-pose_swc.py', street_world, tmp_path
    )
    weights = tmp_path / 'teacher.pth'
    torch.save({'state_dict': MODELS.build(cfg.model).state_dict()}, weights)
    return {
        'teacher': ['--config', str(teacher), '--checkpoint', str(weights)],
        'student': ['--student', str(student)],
    }


def changed(files, tmp_path, root=None, split=None, train_split=None):
    """The student with other images to score, or other disparities."""
    cfg = Config.fromfile(files['student'][1])
    if split is not None:
        cfg.selection_images.split = split
    if train_split is not None:
        cfg.train_dataloader.dataset.datasets[0].split = train_split
    if root is not None:
        cfg.selection_images.pipeline[2].root = root
    path = tmp_path / 'changed.py'
    cfg.dump(str(path))
    return ['--student', str(path)]


def call(tmp_path, method, *argv, key='k', steps='2,3,5'):
    argv = ['--method', method, '--steps', steps, *argv]
    root = ['--root', str(tmp_path / 'store'), '--key', key]
    return load('make_artifact').main(
        ['label_selection', *root, *map(str, argv)]
    )


def lists(tmp_path, key='k'):
    """Positions by file name."""
    folder = tmp_path / 'store/label_selection' / key
    return {
        path.name: json.loads(path.read_text())['positions']
        for path in folder.glob('*subset.json')
    }


def test_the_published_method(files, street_world, tmp_path, capsys):
    both = [*files['teacher'], *files['student']]
    assert call(tmp_path, 'diversity+difficulty', *both, '--iters', 1) == 0
    found = lists(tmp_path)
    assert set(found) == {
        'nlabels2_subset.json',
        'nlabels3_subset.json',
        'nlabels5_subset.json',
        'subset.json',
    }
    chosen = found['subset.json']
    assert chosen[0] == label_choice.random_order(TOTAL, 42)[0]
    assert len(set(chosen)) == 5
    for count in (2, 3, 5):
        assert found[f'nlabels{count}_subset.json'] == chosen[:count]
    # The files are what `indices` takes.
    folder = tmp_path / 'store/label_selection/k'
    root = str(street_world / 'cityscapes')
    part = CityscapesRawDataset(
        data_root=root, indices=str(folder / 'nlabels3_subset.json')
    )
    whole = CityscapesRawDataset(data_root=root)
    assert [x['sample_stem'] for x in part] == [
        whole.get_data_info(i)['sample_stem'] for i in chosen[:3]
    ]
    with pytest.raises(ValueError, match='8 images, but the dataset has 4'):
        CityscapesRawDataset(
            data_root=root,
            split='val',
            indices=str(folder / 'nlabels3_subset.json'),
        )
    artifact = ArtifactStore(tmp_path / 'store').open('label_selection', 'k')
    meta = artifact.manifest['meta']
    assert meta['method'] == 'diversity+difficulty'
    assert meta['num_images'] == TOTAL
    # Nothing else is left beside the artefact.
    assert [p.name for p in folder.parent.iterdir()] == ['k']
    assert 'nlabels5_subset.json' in capsys.readouterr().out


def test_it_goes_on_after_each_step(files, tmp_path):
    both = [*files['teacher'], *files['student'], '--iters', '1,2']
    call(tmp_path, 'diversity+difficulty', *both, key='whole')
    real = label_sources.LabelSources.score
    calls = []

    def break_down(self, chosen):
        calls.append(len(chosen))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, chosen)

    how = (tmp_path, 'diversity+difficulty', *both)
    with mock.patch.object(label_sources.LabelSources, 'score', break_down):
        with pytest.raises(KeyboardInterrupt):
            call(*how)
        assert not lists(tmp_path)
        with mock.patch.object(label_scores, 'collect_features') as features:
            call(*how)
    # Neither the first student nor the features a second time.
    assert calls == [2, 3, 3]
    features.assert_not_called()
    assert lists(tmp_path) == lists(tmp_path, 'whole')
    # Other settings do not go on with it.
    with pytest.raises(FileExistsError, match='is finished'):
        call(*how)


def test_difficulty_is_the_error_of_the_student(files, tmp_path):
    names = ['--iters', '1', '--work-dir', tmp_path / 'students']
    seen = []
    real = label_scores.depth_difficulty

    def keep(*args):
        seen.append(real(*args))
        return seen[-1]

    with mock.patch.object(label_scores, 'depth_difficulty', keep):
        call(tmp_path, 'difficulty', *files['student'], *names, steps='2,4')
    start = label_choice.random_order(TOTAL, 42)[:2]
    expected = label_choice.highest_scores(seen[0], start, 4)
    assert lists(tmp_path)['subset.json'] == expected
    assert seen[0].shape == (TOTAL,) and (seen[0] > 0).all()
    # --work-dir keeps the students.
    assert list((tmp_path / 'students').glob('2-*/iter_1.pth'))


def test_entropy(street_world, tmp_path):
    config = small('sde-ssl-supervised_swc-8', street_world, tmp_path)
    student = ['--student', config, '--iters', '60']
    seen = []

    def fake(cfg, work_dir):
        torch.manual_seed(0)
        return MODELS.build(cfg.model)

    real = label_scores.segmentation_entropy

    def keep(*args):
        seen.append(real(*args))
        return seen[-1]

    with (
        mock.patch.object(label_sources.label_student, 'train_student', fake),
        mock.patch.object(label_scores, 'segmentation_entropy', keep),
    ):
        call(tmp_path, 'entropy', *student, steps='2,3')
    start = label_choice.random_order(TOTAL, 42)[:2]
    expected = label_choice.highest_scores(seen[0], start, 3)
    assert lists(tmp_path)['subset.json'] == expected
    assert ((seen[0] > 0) & (seen[0] <= 1)).all()


def test_diversity_and_random(files, street_world, tmp_path):
    call(tmp_path, 'diversity', *files['teacher'], key='a')
    call(tmp_path, 'diversity', *files['teacher'], '--batch-size', 3, key='b')
    assert lists(tmp_path, 'a') == lists(tmp_path, 'b')
    data = ['--dataset', 'cityscapes', street_world / 'cityscapes']
    call(tmp_path, 'random', *data, '--seed', 7, key='r')
    order = np.random.RandomState(7).permutation(TOTAL)[:5].tolist()
    assert lists(tmp_path, 'r')['subset.json'] == order


def test_warning_about_the_number_of_images(street_world, tmp_path):
    data = ['--dataset', 'cityscapes', street_world / 'cityscapes']
    with mock.patch.object(label_sources, 'print_log') as warned:
        call(tmp_path, 'random', *data)
    assert '8 images, that of Cityscapes has 2975' in warned.call_args[0][0]


def test_the_random_recipe(files, street_world, tmp_path):
    """Its stage as it stands: the images of the depth network's config."""
    stage = load_recipe('sde-select-random_swc-8').stages[0].with_seed(3)
    assert stage.artifact == 'label_selection'
    config = files['teacher'][:2]
    argv = [a for a in stage.arguments if not a.startswith('--steps')]
    assert call(tmp_path, 'random', *config, *argv) == 0
    order = label_choice.random_order(TOTAL, 3)[:5]
    assert lists(tmp_path)['subset.json'] == list(order)
    # The only set of the training is taken without being named.
    assert call(tmp_path, 'random', *config, '--seed', 3, key='m') == 0
    assert lists(tmp_path, 'm')['subset.json'] == list(order)


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['random', '--select', 'last:2'], '--select and --indices do not'),
        (['diversity'], '--method diversity needs --config'),
        (['difficulty'], '--method difficulty needs --student'),
        (['random', '--student', 'x.py'], 'random uses no --student'),
        (['entropy', '--config', 'x.py', '--student', 'y.py'], 'uses no --c'),
        (['random', '--seed', '-1'], '--seed -1: expected 0 or more'),
    ],
)
def test_wrong_options(argv, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        call(tmp_path, *argv)


def test_data_that_do_not_fit(files, street_world, tmp_path):
    data = ['--dataset', 'cityscapes', street_world / 'cityscapes']
    with pytest.raises(ValueError, match='9 images cannot be chosen of the 8'):
        call(tmp_path, 'random', *data, steps='4,9')
    with pytest.raises(ValueError, match='give growing numbers'):
        call(tmp_path, 'random', *data, steps='4,4')
    student = files['student']
    with pytest.raises(ValueError, match='--iters 1,2,3: give one number, or'):
        call(tmp_path, 'difficulty', *student, '--iters', '1,2,3')
    teacher = [*files['teacher'][:3], str(tmp_path / 'none.pth')]
    with pytest.raises(FileNotFoundError, match=r"'.*none.pth' does not"):
        call(tmp_path, 'diversity', *teacher)
    student = changed(files, tmp_path, split='val')
    both = [*files['teacher'], *student]
    with pytest.raises(ValueError, match='scores 4 images, chosen from are 8'):
        call(tmp_path, 'diversity+difficulty', *both)
    with pytest.raises(ValueError, match='is trained on 8 images.* are 4'):
        call(tmp_path, 'difficulty', *student, steps='2,3')
    student = changed(files, tmp_path, split='val', train_split='val')
    with pytest.raises(FileNotFoundError, match='lacks 4 of 4 images'):
        call(tmp_path, 'difficulty', *student, steps='2,3')
    assert not (tmp_path / 'store').exists()


def test_missing_disparities(files, tmp_path):
    store = ArtifactStore(tmp_path / 'empty')
    student = changed(files, tmp_path, root=str(store.root))
    with pytest.raises(FileNotFoundError, match='make_artifact.py disparity'):
        call(tmp_path, 'difficulty', *student)


def test_student_config(street_world, tmp_path):
    cfg = contract.small_config(
        METHODS / 'sde-depth-student_swc.py', street_world, tmp_path
    )
    cfg.train_cfg.max_iters = 300
    made = student_config(cfg, [5, 1], 40, 9)
    assert made.train_dataloader.dataset.datasets[0].indices == [1, 5]
    assert made.train_cfg.max_iters == 40
    assert made.param_scheduler[0].end == 41
    assert made.randomness.seed == 9
    assert made.val_dataloader is None
    assert 'indices' not in cfg.train_dataloader.dataset.datasets[0]
    several = contract.small_config(
        METHODS / 'sde_swg2swc.py', street_world, tmp_path
    )
    with pytest.raises(ValueError, match='trains on several sets'):
        student_config(several, [0], None, 0)
    cfg.param_scheduler[0].begin = 50
    with pytest.raises(ValueError, match='begins at 50; give more'):
        student_config(cfg, [0], 40, 0)


def test_networks_that_do_not_fit():
    with pytest.raises(ValueError, match='Linear is no depth network'):
        label_scores.collect_features(torch.nn.Linear(1, 1), [])
    with pytest.raises(ValueError, match='--student: Linear is no depth'):
        label_scores.depth_difficulty(torch.nn.Linear(1, 1), [])
    model = mock.Mock(spec=DepthModel)
    with pytest.raises(ValueError, match="--features 'u9'; allowed: u3"):
        label_scores.collect_features(model, [], 'u9')
    with pytest.raises(ValueError, match='2 of 3 scores are not finite'):
        label_scores._finite(torch.tensor([1.0, float('nan'), float('inf')]))
