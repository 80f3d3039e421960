#!/usr/bin/env python3
"""Guard mode: each mistake of guard.sys is named where it is made, the right way passes; a replay says the same again.

usage: check.py IRPLAB GUARD.sys GUARD.exe EXPECTED.tsv [NAME…]
"""
import json
import os
import re
import subprocess
import sys
import tempfile


def run(irplab, *args):
    p = subprocess.run([irplab, *args], capture_output=True, text=True, timeout=60)
    return p.returncode, p.stdout, p.stderr


def complaints(irplab, images, name, code, wanted):
    target = ['--driver', images[0], images[1], name]
    status, out, screen = run(irplab, 'run', '--guard', *target)
    first = screen.split('\n')[0]
    if status != 1 or not first.startswith('irplab: verifier: '):
        yield f'exit status {status}: {first}'
        return
    if not re.search(wanted, first):
        yield f'it says {first}'
    if not re.search(rf'^\S+ \({code}\)$', screen, re.M):
        yield f'no screen {code}: {screen[:400]}'
    if 'freed by' in first and not re.search(r'^freed at .*\n(    \S.*\n)*    guard!', screen, re.M):
        yield 'the stack of who freed it is missing'
    if 'allocated by guard!' in first and not re.search(r'^allocated at .*\n(    \S.*\n)*    guard!', screen, re.M):
        yield 'the stack of who allocated it is missing'
    if run(irplab, 'run', '--guard', *target)[2] != screen:
        yield 'a second run prints something else'
    status, _, text = run(irplab, 'run', '--guard', *target, 'right')
    if status != 0:
        yield f'the right way fails with guard mode: {text[:400]}'
    status, _, text = run(irplab, 'run', *target, 'right')
    if status != 0:
        yield f'the right way fails: {text[:400]}'


def explored(irplab, images, name, code):
    """Found by explore, kept by the replay file."""
    with tempfile.TemporaryDirectory() as folder:
        status, out, _ = run(irplab, 'explore', '--guard', '--json', '--output', folder, '--driver', images[0], images[1], name)
        failure = json.loads(out)['failures'][0]
        if status != 1 or failure['kind'] != 'verifier' or failure['code'] != int(code, 16):
            yield f'explore says {failure}'
        status, again, warning = run(irplab, 'replay', '--json', failure['replay'])
        same = json.loads(again)
        if status != 1 or same['failures'][0]['message'] != failure['message'] or same['run_hash'] != json.loads(out)['run_hash'] or warning:
            yield f'the replay says {same} {warning}'


def without(irplab, images, name):
    """A failure found without guard mode is run again with it; so is its replay."""
    with tempfile.TemporaryDirectory() as folder:
        status, out, _ = run(irplab, 'explore', '--json', '--output', folder, '--driver', images[0], images[1], name)
        failure = json.loads(out)['failures'][0]
        if status != 1 or 'guard' not in failure or 'special pool' not in failure['guard']['message']:
            yield f'without --guard explore says {failure}'
            return
        for arguments in (['run', '--driver', images[0], images[1], name], ['replay', failure['replay']]):
            status, out, err = run(irplab, *arguments)
            if status != 1 or failure['guard']['message'] not in out + err:
                yield f'irplab {arguments[0]} does not say what guard mode says'
        status, out, _ = run(irplab, 'replay', '--guard', '--json', failure['replay'])
        if json.loads(out)['failures'][0]['message'] != failure['guard']['message']:
            yield f'replay --guard says {out}'


def main():
    irplab, *images, table = sys.argv[1:5]
    os.environ.pop('MALLOC_PERTURB_', None)
    rows = wrong = 0
    for line in open(table, encoding='utf-8'):
        if line.startswith('#'):
            continue
        name, code, wanted, also = (line.rstrip('\n').split('\t') + [''])[:4]
        if sys.argv[5:] and name not in sys.argv[5:]:
            continue
        rows += 1
        found = list(complaints(irplab, images, name, code, wanted))
        if 'explore' in also:
            found += explored(irplab, images, name, code)
        if 'without' in also:
            found += without(irplab, images, name)
        for text in found:
            wrong += 1
            print(f'FAILED {name}: {text}\n  again: irplab run --guard --driver {images[0]} {images[1]} {name}')
    print(f'{rows} mistakes, {wrong} complaints')
    return wrong != 0 or rows == 0


sys.exit(main())
