#!/usr/bin/env python3
"""Reduction on real images: under the same bound it must reach each happens-before class that the search without reduction reaches,
each once, with the same failures; and neighbours said to be independent must lead to the same bytes in both orders.

usage: check_reduction.py IRPLAB CASES orders|classes|delays CASE [BOUND]"""
import json
import subprocess
import sys
import tempfile

irplab, cases, what, case = sys.argv[1:5]


def explore(*options):
    command = [irplab, 'explore', '--quiet', f'--output={tempfile.gettempdir()}', *options, f'{cases}/{case}']
    done = subprocess.run(command, capture_output=True, text=True)
    print(' '.join(command), '->', done.returncode)
    return done


def classes(strategy, bound):
    done = explore('--json', '--keep-going', '--time=50', '--strategy', strategy, '--preemptions', bound)
    result = json.loads(done.stdout)
    print({k: result[k] for k in ('schedules', 'traces', 'failing', 'blocked', 'complete', 'bound')})
    assert result['complete'], 'not complete'
    return result


if what == 'delays':  # enough of them reach every class; none is one schedule
    most = sys.argv[5]
    none, some = (json.loads(explore('--json', '--keep-going', '--time=50', '--delays', n).stdout) for n in ('0', most))
    all_classes = json.loads(explore('--json', '--keep-going', '--time=50', '--strategy', 'dpor').stdout)
    print(none['schedules'], some['traces'], all_classes['schedules'], some['bound'])
    assert none['schedules'] == 1 and none['complete'] and 'at most 0 delays' in none['bound']
    assert some['complete'] and some['traces'] == all_classes['schedules'] and f'at most {most} delays' in some['bound']
    for wrong in (['--strategy', 'pct', '--delays', '1'], ['--strategy', 'dfs', '--depth', '2']):
        done = explore(*wrong)
        assert done.returncode == 2 and not done.stdout and done.stderr.count('\n') == 1
elif what == 'orders':
    done = explore('--check-orders', '--time=6')
    print(done.stdout, done.stderr)
    assert done.returncode == 0, 'the order of independent neighbours matters'
    assert int(done.stdout.split(' pairs')[0]) > 500, 'too few pairs'
else:
    full, reduced = classes('dfs', sys.argv[5]), classes('dpor', sys.argv[5])
    assert full['traces'] == reduced['schedules'] == reduced['traces'], 'not the same classes'
    assert {f['message'] for f in full['failures']} == {f['message'] for f in reduced['failures']}, 'not the same failures'
    assert (full['failing'] > 0) == (reduced['failing'] > 0)
    assert reduced['schedules'] <= full['schedules']
