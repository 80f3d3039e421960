#!/usr/bin/env python3
"""Programs and drivers that come to a stop: what the finding is called, and that it names who waits for what of whom.

usage: check_stuck.py IRPLAB STUCK.exe DRIVER.sys CASE"""
import json
import subprocess
import sys
import tempfile

irplab, program, driver, case = sys.argv[1:5]

# model, name (None: complete), what the message has to say
table = [([program, model], name, says) for model, name, says in (
    ('sections', 'DEADLOCK', ('circle of waits', 'stuck!section+0x28, owned by thread', '-> stuck!section, owned by thread')),
    ('sections-ordered', None, ()), ('slims', 'DEADLOCK', ('circle of waits', 'stuck!slim+0x8, owned by thread', '-> stuck!slim, owned by thread')),
    ('mutexes', 'DEADLOCK', ('circle of waits',)), ('mixed', 'DEADLOCK', ('circle of waits', 'stuck!section, owned by thread')),
    ('condition', 'LOST_WAKEUP', ('lost wake-up', 'condition variable stuck!changed')), ('condition-looked', None, ()), ('pulse', 'LOST_WAKEUP', ('lost wake-up',)),
    ('reset', 'LOST_WAKEUP', ('lost wake-up',)), ('set', None, ()), ('never', 'DEADLOCK', ('waits for event',)), ('abandoned-section', 'DEADLOCK', ('owned by thread',)))]
table += [(['--driver', driver], 'DEADLOCK', ('circle of waits: system thread', 'lock+0x38, owned by system thread')), ([case], 'LOST_WAKEUP', ('lost wake-up', 'PostedEvent'))]

wrong = 0
for arguments, name, says in table:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([irplab, 'explore', '--json', '--time', '30', '--output', folder, *arguments], capture_output=True, text=True)
    try:
        r = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f'{arguments}: {done.stderr}')
    f = r['failures'][0] if r['failures'] else {'name': None, 'message': '', 'kind': None}
    right = f['name'] == name and all(s in f['message'] for s in says) and (f['kind'] == 'deadlock' if name else r['complete'])
    wrong += not right
    print(f'{arguments[-1]}: {f["name"] or "complete"}{"" if right else "   WRONG: " + json.dumps(f)[:600]}')
sys.exit(wrong != 0)
