# SPDX-License-Identifier: Apache-2.0
import io
import os
import sys
import time

import pytest
from rich.console import Console

from mmseg_da.demo_run import Job, JobError, run_jobs

CONSOLE = Console(file=io.StringIO())


def job(folder, name, source, **kwargs) -> Job:
    command = [sys.executable, '-S', '-c', source]
    return Job(name, command, folder / f'{name}.log', **kwargs)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_jobs_run_and_report_cost_and_output(tmp_path):
    results = {}
    source = 'import os; print(os.environ["WORD"])'
    jobs = [
        job(tmp_path, name, source, env={'WORD': f'hello {name}'})
        for name in 'abc'
    ]
    run_jobs(jobs, 2, CONSOLE, lambda j, r: results.update({j.name: r}))
    assert sorted(results) == ['a', 'b', 'c']
    assert (tmp_path / 'b.log').read_text() == 'hello b\n'
    for result in results.values():
        assert result.seconds > 0
        assert result.peak_rss_mib > 1


@pytest.mark.skipif(
    not os.path.exists('/proc/self/status'), reason='needs /proc'
)
def test_peak_memory_is_that_of_the_child_alone(tmp_path):
    ballast = bytearray(200 * 2**20)
    results = []
    one = job(tmp_path, 'a', 'import time; time.sleep(1.5)')
    run_jobs([one], 1, CONSOLE, lambda j, r: results.append(r))
    assert 1 < results[0].peak_rss_mib < 100 < len(ballast) / 2**20


def test_no_job_is_no_error():
    run_jobs([], 2, CONSOLE, lambda job, result: None)


def test_a_failure_shows_the_log_and_ends_the_others(tmp_path):
    pid = tmp_path / 'pid'
    wait = f'import os, time; open({str(pid)!r}, "w").write(str(os.getpid()))'
    fail = (
        'import os, sys, time\n'
        f'while not os.path.exists({str(pid)!r}): time.sleep(.05)\n'
        'time.sleep(.2); print("the reason"); sys.exit(3)'
    )
    jobs = [
        job(tmp_path, 'slow', wait + '; time.sleep(60)'),
        job(tmp_path, 'bad', fail),
    ]
    finished = []
    with pytest.raises(JobError) as error:
        run_jobs(jobs, 2, CONSOLE, lambda j, r: finished.append(j.name))
    text = str(error.value)
    assert 'bad failed with exit code 3' in text
    assert '| the reason' in text
    assert str(tmp_path / 'bad.log') in text
    assert finished == []
    assert not alive(int(pid.read_text()))


def test_a_killed_job_names_the_signal(tmp_path):
    source = 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)'
    with pytest.raises(JobError, match=r'SIGKILL.*out of memory'):
        run_jobs([job(tmp_path, 'a', source)], 1, CONSOLE, lambda j, r: None)


def test_never_more_than_the_allowed_number_at_once(tmp_path):
    spans = []
    source = 'import time; time.sleep(.2)'

    def finished(job, result):
        end = time.monotonic()
        spans.append((end - result.seconds, end))

    jobs = [job(tmp_path, name, source) for name in 'ab']
    run_jobs(jobs, 1, CONSOLE, finished)
    assert spans[0][1] <= spans[1][0]
