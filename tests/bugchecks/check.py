#!/usr/bin/env python3
"""Each fault of faults.sys: the bug check that comes of it, its parameters, the stack, and the screen.

usage: check.py IRPLAB FAULTS.sys FAULTS.exe EXPECTED.tsv [NAME…]
"""
import json
import re
import subprocess
import sys


def run(irplab, driver, program, name, options, form):
    p = subprocess.run([irplab, 'run', *form, *options, '--driver', driver, program, name], capture_output=True, text=True, timeout=60)
    return p.returncode, p.stdout, p.stderr


def parameters(screen):
    """Value and symbol of Arg1 to Arg4."""
    found = re.findall(r'^Arg[1-4]: ([0-9a-f]{16})(.*)$', screen, re.M)
    return [(int(value, 16), re.search(r'\(([^()]+)\)$', rest)) for value, rest in found]


def parameter_fits(wanted, value, symbol, screen):
    if wanted == '*':
        return True
    if wanted == 'irp':
        return f'!irp {value:016x}' in screen or value != 0
    if '!' in wanted or wanted.startswith('<'):
        return symbol is not None and re.split(r'\+', symbol.group(1))[0] == wanted
    return value == int(wanted, 16)


def frames(screen):
    return [f.split('+')[0] for f in re.findall(r'^[0-9a-f]{2} [0-9a-f`]{17} [0-9a-f`]{17} +(\S+)', screen, re.M)]


def complaints(irplab, driver, program, name, code, wanted, stack, options):
    status, _, screen = run(irplab, driver, program, name, options, [])
    if status != 1:
        yield f'exit status {status}'
    again = run(irplab, driver, program, name, options, [])
    if again[2] != screen:
        yield 'a second run prints something else'
    screen = screen.split('\nThe same run with --guard')[0]
    title = re.search(r'^(\S+) \(([0-9a-f]+)\)$', screen, re.M)
    if not title or int(title.group(2), 16) != int(code, 16):
        yield f'no bug check {code}: {screen[:300]}'
        return
    given = parameters(screen)
    for i, (want, (value, symbol)) in enumerate(zip(wanted.split(), given)):
        if not parameter_fits(want, value, symbol, screen):
            yield f'parameter {i + 1} is {value:x} {symbol.group(1) if symbol else ""}, not {want}'
    shown = frames(screen)
    at = 0
    for frame in stack.split():
        if frame not in shown[at:]:
            yield f'`k` does not show {frame} (behind what came before): {" ".join(shown[:8])}'
            break
        at = shown.index(frame, at) + 1
    if '!thread ' not in screen and 'Waits' not in stack and code not in ('1e', 'ce', '9f') and not name.endswith('_in_dpc'):
        yield 'the thread is not shown'
    status, out, _ = run(irplab, driver, program, name, options, ['--json'])
    failure = json.loads(out)['failures'][0]
    if failure['code'] != int(code, 16) or failure['name'] != title.group(1) or failure['kind'] not in ('bugcheck', 'verifier'):
        yield f'--json says {failure}'


def main():
    irplab, driver, program, table = sys.argv[1:5]
    wrong = rows = 0
    for line in open(table, encoding='utf-8'):
        if line.startswith('#'):
            continue
        cells = line.rstrip('\n').split('\t') + ['']
        if sys.argv[5:] and cells[0] not in sys.argv[5:]:
            continue
        rows += 1
        for text in complaints(irplab, driver, program, *cells[:4], cells[4].split()):
            wrong += 1
            print(f'FAILED {cells[0]}: {text}\n  again: irplab run {cells[4]} --driver {driver} {program} {cells[0]}')
    print(f'{rows} faults, {wrong} complaints')
    return wrong != 0


sys.exit(main())
