# SPDX-License-Identifier: Apache-2.0
"""Result records: written, read back, and refused when anything is wrong."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
from fake_stages import example_record

from mmseg_da.evaluation.confusion_text import (
    decode_confusion,
    encode_confusion,
)
from mmseg_da.evaluation.records import (
    SCHEMA_VERSION,
    read_record,
    read_records,
    split_name,
    write_record,
)


@pytest.fixture
def content(tmp_path):
    """JSON of a valid record."""
    path = tmp_path / 'valid.json'
    write_record(path, example_record())
    return json.loads(path.read_text())


@pytest.fixture
def refused(tmp_path):
    """Check that a file is refused; gives the message without the file."""

    def check(content):
        path = tmp_path / 'bad.json'
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
        with pytest.raises(ValueError) as caught:
            read_record(path)
        message = str(caught.value)
        assert message.startswith(f'{path}: ')
        return message.removeprefix(f'{path}: ')

    return check


def test_what_is_written_is_read(tmp_path):
    record = example_record()
    write_record(tmp_path / 'a.json', record)
    again = read_record(tmp_path / 'a.json')
    assert again == record
    assert again.scores.iou == {
        'road': 100 * 5 / 8,
        'car': 100 * 7 / 10,
        'sky': None,
    }
    assert again.scores.miou == {'mIoU': 66.25, 'mIoU13': None}
    assert again.confusion.tolist() == [[5, 1, 0], [2, 7, 0], [0, 0, 0]]
    assert [path.name for path in tmp_path.iterdir()] == ['a.json']


def test_records_of_a_folder(tmp_path):
    for name in ('b', 'a', '.hidden'):
        write_record(tmp_path / f'{name}.json', example_record())
    write_record(tmp_path / 'outdated/c.json', example_record())
    assert [path.name for path in read_records(tmp_path)] == [
        'a.json',
        'b.json',
    ]
    with pytest.raises(FileNotFoundError, match='no such folder of records'):
        read_records(tmp_path / 'nowhere')


def test_selection_says_who_chose(content):
    record = example_record()
    assert not record.chosen_on_target_labels
    assert record.replace(selection='best').chosen_on_target_labels


@pytest.mark.parametrize(
    ('name', 'parts'),
    [
        ('source-only_swg2swc', ('source-only', 'swg2swc', '')),
        ('sac_gta2cs_vgg16_512x256', ('sac', 'gta2cs', 'vgg16_512x256')),
        ('plain', ('plain', '', '')),
    ],
)
def test_names_are_split(name, parts):
    assert split_name(name) == parts


def test_other_schema_versions_are_refused(content, refused):
    message = refused({**content, 'schema_version': 99})
    assert message.startswith(
        f'record of schema version 99, this mmseg-da reads version '
        f'{SCHEMA_VERSION}'
    )
    del content['schema_version']
    assert 'schema version None' in refused(content)


def test_other_files_are_refused(content, refused):
    assert 'not JSON' in refused('{"format": ')
    assert 'not a result record' in refused('[1]')
    assert 'not a result record' in refused({**content, 'format': 'x'})


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such record'):
        read_record(tmp_path / 'x.json')


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        ('seed', '0', "field 'seed' is '0', expected int"),
        ('seed', True, "field 'seed' is True, expected int"),
        ('recipe', None, "field 'recipe' is None, expected str"),
        ('selection', 'mean', r"field 'selection' is 'mean', expected one of"),
        ('predict_on', 'ema', "field 'predict_on' is 'ema', expected one of"),
        ('classes', 'road', "field 'classes' is 'road', expected a list"),
        ('classes', [1], r"field 'classes\[0\]' is 1, expected str"),
        ('data', {'test': 'abc'}, "field 'data.test' is 'abc', expected 64"),
        ('data', [], r"field 'data' is \[\], expected an object"),
        ('cost.stages', [{}], r"field 'cost.stages\[0\].code_sha256' is miss"),
        ('cost.test_seconds', '1', "'cost.test_seconds' is '1', expected flo"),
        ('machine.cpu', 1.5, "'machine.cpu' is 1.5, expected str or int"),
        ('config.name', '/home/x.py', 'expected no absolute path'),
        ('config.name', 'C:\\x.py', 'expected no absolute path'),
        ('protocol.tta', 0, "field 'protocol.tta' is 0, expected bool"),
        ('scores.iou', {'road': 1.0}, 'expected the classes'),
        ('scores.miou', {}, "field 'scores.miou.mIoU' is missing"),
        ('scores.iou.road', 99.0, "iou.road' is 99.0, but the confusion matr"),
        ('scores.iou.sky', 0.0, "iou.sky' is 0.0, but the confusion matrix"),
        ('scores.miou.mIoU', 70.0, "miou.mIoU' is 70.0, but the confusion"),
        ('scores.confusion', 'AAAA', 'confusion matrix is damaged'),
        ('scores', None, "field 'scores' is None: the test scored nothing"),
    ],
)
def test_wrong_fields_are_named(content, refused, place, value, message):
    node = content
    *path, last = place.split('.')
    for name in path:
        node = node[name]
    node[last] = value
    assert re.search(message, refused(content))


def test_missing_and_unknown_fields_are_named(content, refused):
    assert "field 'extra' is unknown" in refused({**content, 'extra': 1})
    del content['protocol']['dataset']
    assert "field 'protocol.dataset' is missing" in refused(content)


def test_without_scores_it_is_read_on_request(tmp_path):
    path = tmp_path / 'a.json'
    write_record(path, example_record().replace(scores=None))
    record = read_record(path, need_scores=False)
    with pytest.raises(ValueError, match='has no scores'):
        record.confusion  # noqa: B018


def test_a_wrong_record_is_not_written(tmp_path):
    record = example_record().replace(recipe='/absolute/path')
    with pytest.raises(ValueError, match='expected no absolute path'):
        write_record(tmp_path / 'a.json', record)
    assert not list(tmp_path.iterdir())


def test_confusion_text_keeps_large_counts():
    matrix = np.array([[2**62, 1], [0, 3]])
    assert (decode_confusion(encode_confusion(matrix), 2) == matrix).all()


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ([1, 2, 3], 'is not one of 2 x 2'),
        ([1] * 5, 'is not one of 2 x 2'),
        ([1, 2, 3, -4], 'negative counts'),
        ([0] * 10**6, 'is not one of 2 x 2'),
    ],
)
def test_damaged_confusion_text_is_refused(values, message):
    packed = zlib.compress(np.array(values, '<i8').tobytes())
    with pytest.raises(ValueError, match=message):
        decode_confusion(base64.b64encode(packed).decode(), 2)
