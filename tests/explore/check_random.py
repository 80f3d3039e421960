#!/usr/bin/env python3
"""Random programs with value-dependent branches, run as a Windows program: one run for each class that brute force finds, none blocked.
The first five are those on which tempting shortcuts of the reduction lose classes.

usage: check_random.py IRPLAB RANDOM.exe BRUTE_LIST PROGRAMS SEED"""
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

irplab, program, brute, count, seed = sys.argv[1:6]
known = [('c1,r3,w3,f1,c1f3', 16), ('f2r2,c1w3,c3w2,w1w2,c1', 54), ('f0f0,c1w0,l0w0u0,c1w1,r1c3', 30), ('w1w2,r2,f0,c0f2,r0w0', 30), ('c1f1,c2c1,w2w2,w1f0', 14)]
lines = subprocess.run([brute, count, seed], capture_output=True, text=True, check=True).stdout.splitlines()
table = known + [(line.split()[0], int(line.split()[1])) for line in lines]


def wrong(row):
    text, exact = row
    done = subprocess.run([irplab, 'explore', '--strategy', 'dpor', '--json', '--time', '120', '--keep-going', '--cpus', '16', program, text], capture_output=True, text=True)
    try:
        r = json.loads(done.stdout)
    except json.JSONDecodeError:
        return f'{text}: {done.stderr}'
    right = r['schedules'] == r['traces'] == exact and r['blocked'] == 0 and r['complete'] and done.returncode == 0
    return None if right else f'{text}: {r["schedules"]} of {exact}, {r["traces"]} classes, {r["blocked"]} blocked, complete {r["complete"]}'


with ThreadPoolExecutor(2) as pool:
    mistakes = [m for m in pool.map(wrong, table) if m]
print('\n'.join(mistakes[:20]))
print(f'{len(table)} programs, {len(mistakes)} differ from brute force')
sys.exit(len(mistakes) != 0)
