#!/usr/bin/env python3
"""Small drivers and waiting loops: the reduction runs each class of orders once. What the classes are is worked out by running every order with at most four
preemptions and dropping those with the same happens-before hash; the numbers below are kept so that a change of both is seen.
That a thread ends before or after its handle is closed is no difference.

usage: check_drivers.py IRPLAB MUTUAL.exe ONE-FILE.sys ONE-FILE.exe DRIVER.sys…"""
import json
import os
import subprocess
import sys
import tempfile

irplab, mutual, one_file, drivers = sys.argv[1], sys.argv[2], sys.argv[3:5], sys.argv[5:]
expected = {'queue-cancel': 4, 'remove-lock': 3, 'timer-dpc': 2, 'spin-locks': 3, 'work-item': 3, 'cancel-twice': 9, 'resource': 2, 'resource-shared': 3, 'queued-lock': 2, 'rundown': 3}
wrong = 0


def explore(*options):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([irplab, 'explore', '--json', '--keep-going', '--time', '100', '--output', folder, *options], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f'{options}: {done.stderr}')


def check(right, text):
    global wrong
    wrong += not right
    print(text + ('' if right else '   WRONG'))


for file in drivers:
    name = os.path.basename(file)[:-4]
    options = ['--cpus', '4', '--driver', file]
    brute, reduced, shared = explore('--strategy', 'dfs', '--preemptions', '4', *options), explore('--strategy', 'dpor', *options), explore('--strategy', 'dpor', '--jobs', '2', *options)
    check(brute['complete'] and brute['traces'] == reduced['schedules'] == reduced['traces'] == shared['schedules'] == expected[name] and not reduced['failing'] and
          reduced['blocked'] == 0 and reduced['complete'],
          f'{name}: {reduced["schedules"]} of {expected[name]}, by two processes {shared["schedules"]}; {brute["schedules"]} orders in {brute["traces"]} classes')
# Where timers could not come while others ran, the result says so.
timed = {os.path.basename(file)[:-4]: ['--driver', file] for file in drivers}
for name, more, says in (('timer-dpc', [], True), ('timer-dpc', ['--time-model', 'any'], False), ('spin-locks', [], False)):
    r = explore('--schedules', '50', *more, *timed[name])
    check(r.get('idle_timers', False) == says, f'{name} {" ".join(more)}: {"says" if says else "says nothing"} of timers that had to wait')
done = subprocess.run([irplab, 'explore', '--schedules', '50', *timed['timer-dpc']], capture_output=True, text=True)
check(('--time-model any' in done.stdout) == (done.returncode == 0), f'the hint: {done.stdout}')
# One request at a time on a file: whose is next is all the order there is, and with a DPC whether the thread already waits when it comes.
for n, code, exact in ((2, 0, 2), (3, 0, 6), (2, 1, 2), (3, 1, 6)):
    options = ['--cpus', '4', '--driver', one_file[0], one_file[1], str(n), str(code)]
    r = explore('--strategy', 'dpor', *options)
    brute = explore('--strategy', 'dfs', '--preemptions', '9', *options) if n == 2 else r
    check(r['complete'] and brute['complete'] and r['blocked'] == 0 and r['failing'] == 0 and r['schedules'] == r['traces'] == brute['traces'] == exact,
          f'one file, {n} threads, code {code}: {r["schedules"]} of {exact}, {brute["schedules"]} orders in {brute["traces"]} classes')
for name, exact in (('peterson', 4), ('lamport', 16)):
    r = explore('--strategy', 'dpor', '--cpus', '16', mutual, name)
    check(r['complete'] and r['failing'] == 0 and r['blocked'] == 0 and r['schedules'] == r['traces'] == exact, f'{name}: {r["schedules"]} schedules, {r["failing"]} failing')
r, brute = explore('--strategy', 'dpor', '--cpus', '16', mutual, 'broken'), explore('--strategy', 'dfs', '--preemptions', '4', '--cpus', '16', mutual, 'broken')
check(r['complete'] and r['blocked'] == 0 and r['schedules'] == r['traces'] == brute['traces'], f'broken: {r["schedules"]} schedules, {brute["traces"]} classes of all orders')
check(r['failing'] > 0 and r['failures'][0]['kind'] == 'exit' and r['failures'][0]['preemptions'] == 2, f'broken: {r["failing"]} of {r["schedules"]} fail')
sys.exit(wrong != 0)
