#!/usr/bin/env python3
"""Random programs with value-dependent branches, run as a Windows program: one run for each class that brute force finds, none blocked;
loops that wait among them, and as many classes in which they do so for ever.
The first five are those on which tempting shortcuts of the reduction lose classes, the next three those whose loops come round by an
instruction by which no thread had come round before.

usage: check_random.py IRPLAB RANDOM.exe BRUTE_LIST PROGRAMS SEED"""
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

irplab, program, brute, count, seed = sys.argv[1:6]
known = [('c1,r3,w3,f1,c1f3', 16, 0), ('f2r2,c1w3,c3w2,w1w2,c1', 54, 0), ('f0f0,c1w0,l0w0u0,c1w1,r1c3', 30, 0), ('w1w2,r2,f0,c0f2,r0w0', 30, 0), ('c1f1,c2c1,w2w2,w1f0', 14, 0),
         ('w0w0D0,L0,c0F0L0', 27, 21), ('F0,w0w1,r0,r0E0E0', 6, 0), ('D0F1D1,w1D1D0,E0c0c0,L1', 66, 66)]
lines = subprocess.run([brute, count, seed], capture_output=True, text=True, check=True).stdout.splitlines()
table = known + [(text, int(exact), int(stuck)) for text, exact, stuck in (line.split() for line in lines)]


def wrong(row):
    text, exact, stuck = row
    with tempfile.TemporaryDirectory() as folder: # several at once
        done = subprocess.run([irplab, 'explore', '--strategy', 'dpor', '--json', '--time', '120', '--keep-going', '--cpus', '16', '--output', folder, program, text],
                              capture_output=True, text=True)
    try:
        r = json.loads(done.stdout)
    except json.JSONDecodeError:
        return f'{text}: {done.stderr}'
    right = r['schedules'] == r['traces'] == exact and r['blocked'] == 0 and r['complete'] and r['failing'] == stuck and done.returncode == (stuck > 0)
    return None if right else f'{text}: {r["schedules"]} of {exact}, {r["traces"]} classes, {r["blocked"]} blocked, {r["failing"]} of {stuck} for ever, complete {r["complete"]}'


with ThreadPoolExecutor(2) as pool:
    mistakes = [m for m in pool.map(wrong, table) if m]
print('\n'.join(mistakes[:20]))
print(f'{len(table)} programs, {len(mistakes)} differ from brute force')
sys.exit(len(mistakes) != 0)
