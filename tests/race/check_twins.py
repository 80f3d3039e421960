#!/usr/bin/env python3
"""Builds the images of the cases and of contract areas again with an instrumentation, and runs them: nothing may be found in what is right.

usage: check_twins.py IRPLAB BUILD SOURCE OPTION cases NAME=STATUS...      explores NAME (a folder below cases/)
       check_twins.py IRPLAB BUILD SOURCE OPTION contract AREA...          runs the area's program against its driver
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile


def commands(build, prefix):
    """The compiler's command lines of the targets below prefix, as the build has them."""
    targets = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], capture_output=True, text=True, check=True).stdout
    wanted = [t.split(':')[0] for t in targets.splitlines() if t.startswith(prefix + '/') and t.split(':')[0].endswith(('.sys', '.exe'))]
    for target in wanted:
        out = subprocess.run(['ninja', '-C', build, '-t', 'commands', target], capture_output=True, text=True, check=True).stdout
        line = shlex.split(out.strip().splitlines()[-1])
        if '-o' in line and line[line.index('-o') + 1] == target:
            yield target, line


def rebuild(build, prefix, option, where):
    for target, line in commands(build, prefix):
        out = os.path.join(where, target)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        at = line.index('-o')
        line = [w for w in line[:at]] + [option] * bool(option) + ['-o', out] + line[at + 2:]
        done = subprocess.run(line, cwd=build, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'{shlex.join(line)}: {done.stderr}')


def explore(irplab, where, name, status):
    command = [irplab, 'explore', '--json', '--time', '100', '--output', os.path.join(where, 'replays'), os.path.join(where, 'cases', name)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != status:
        return f'{name}: exit {done.returncode}, {status} wanted: {done.stdout[-1500:]} {done.stderr[-600:]}'
    result = json.loads(done.stdout)
    print(f'{name}: {result["schedules"]} schedules, complete {result["complete"]}, {result["seconds"]:.2f} s', [f['message'][:160] for f in result['failures']])
    if status == 0 and not result['complete']:
        return f'{name}: not complete: {result["bound"]}'
    if any(f['name'] == 'DataRace' for f in result['failures']):
        return f'{name}: a data race in a case that has none'
    return None


def rebuild_case(build, source, name, option, where):
    rebuild(build, 'cases/' + name, option, where)
    for folder, _, files in os.walk(os.path.join(source, 'cases', name)):
        if 'irplab.yaml' in files:
            to = os.path.join(where, 'cases', os.path.relpath(folder, os.path.join(source, 'cases')))
            os.makedirs(to, exist_ok=True)
            shutil.copy(os.path.join(folder, 'irplab.yaml'), to)


def cases(irplab, build, source, option, where, args):
    bad = []
    for name in sorted({a.split('=')[0].split('/')[0] for a in args}):
        rebuild_case(build, source, name, option, where)
    for a in args:
        name, _, status = a.partition('=')
        bad.append(explore(irplab, where, name, int(status)))
    return bad


def contract(irplab, build, source, option, where, args):
    bad = []
    for area in args:
        rebuild(build, f'tests/contract/{area}', option, where)
        at = os.path.join(where, 'tests/contract', area, area)
        done = subprocess.run([os.path.join(source, 'tests/contract/run-area'), irplab, at + '.sys', at + '.exe', os.path.join(source, 'tests/contract', area)],
                              capture_output=True, text=True)
        print(f'{area}: {done.returncode}')
        if done.returncode:
            bad.append(f'{area}: {done.stdout[-3000:]}')
    return bad


def main():
    irplab, build, source, option, what = sys.argv[1:6]
    with tempfile.TemporaryDirectory() as where:
        bad = {'cases': cases, 'contract': contract}[what](irplab, build, source, option, where, sys.argv[6:])
    bad = [b for b in bad if b]
    print('\n'.join(bad))
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
