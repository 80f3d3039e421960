#!/usr/bin/env python3
"""Loops that retry: those that can go on for ever though every thread has its turns are found by name, by what irplab explore does by itself, in less than a second;
their twins, which come to an end in every fair order, are explored to the end. A livelock comes again from its replay file.

usage: check_retry.py IRPLAB RETRY.exe DRIVER.sys…"""
import json
import os
import subprocess
import sys
import tempfile

irplab, program, drivers = sys.argv[1], sys.argv[2], sys.argv[3:]

# model, name of the finding (None: complete), what its message has to say
table = [(model + ordered, None if ordered else 'LIVELOCK', says)
         for model, says in (('slim', 'TryAcquireSRWLockExclusive'), ('slim-pause', 'TryAcquireSRWLockExclusive'), ('slim-switch', 'SwitchToThread'), ('slim-sleep0', 'Sleep'),
                             ('critical', 'TryEnterCriticalSection'), ('mutex', 'WaitForSingleObject'))
         for ordered in ('', '-ordered')]
table += [('polite', 'LIVELOCK', 'goes round'), ('dekker', None, ''), ('dirty-never', 'LIVELOCK', 'goes round'), ('dirty', None, '')]
table += [('tas-kept', 'LIVELOCK', 'looks again'), ('tas', None, ''), ('tas-pause', None, ''), ('tas-sleep0-kept', 'LIVELOCK', 'looks again'), ('tas-sleep0', None, ''),
          ('cas-kept', 'LIVELOCK', 'looks again'), ('cas', None, '')]
table += [('count-never', 'UNCONTROLLED_SPIN', 'retry!thread'), ('count', None, ''), ('count-pause-never', 'UNCONTROLLED_SPIN', 'retry!thread'), ('count-pause', None, '')]
runs = [(model, [program, model], name, says) for model, name, says in table]
for file in drivers:
    model = os.path.basename(file)[:-4]
    fixed = model.endswith('-fixed')
    # A loop that lets time pass does not come back to the same state: that ends at a limit.
    runs.append((model, ['--driver', file], None if fixed else 'HANG' if model.endswith('delay-1') else 'LIVELOCK', ''))

wrong = 0
for model, arguments, name, says in runs:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([irplab, 'explore', '--json', '--time', '30', '--output', folder, *arguments], capture_output=True, text=True)
        try:
            r = json.loads(done.stdout)
        except json.JSONDecodeError:
            sys.exit(f'{model}: {done.stderr}')
        if name:
            f = r['failures'][0] if r['failures'] else {'name': 'nothing', 'message': '', 'kind': ''}
            again = r['failures'] and subprocess.run([irplab, 'replay', '--json', f['replay']], capture_output=True, text=True)
            right = f['name'] == name and f['kind'] == 'hang' and says in f['message'] and again and again.returncode == 1 and name in again.stdout
            if name == 'LIVELOCK':
                right &= r['seconds'] < 1
        else:
            right = r['complete'] and not r['failing'] and not r['blocked'] and done.returncode == 0
    wrong += not right
    found = r['failures'][0]['name'] if r['failures'] else 'complete' if r['complete'] else 'not complete'
    print(f'{model:22} {found}, {r["schedules"]} schedules, {r["seconds"]:.2f} s{"" if right else "   WRONG: " + json.dumps(r["failures"])[:600]}')
sys.exit(wrong != 0)
