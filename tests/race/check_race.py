#!/usr/bin/env python3
"""Faults that instrumented images tell of: found under their names, with both stacks where there are two, the same in every run, and replayed;
their fixed twins pass completely.

usage: check_race.py IRPLAB FOLDER driver DRIVER NAME=RULE[:TEXT]...     ask.exe NAME against DRIVER.sys and DRIVER-fixed.sys
       check_race.py IRPLAB FOLDER program PROGRAM NAME=RULE[:TEXT]...   PROGRAM.exe NAME and PROGRAM-fixed.exe NAME
       check_race.py IRPLAB FOLDER points                                what --keep-going makes of races
       check_race.py IRPLAB FOLDER coverage                              edges
       check_race.py IRPLAB FOLDER models                                atomic accesses as scheduling points: exact numbers of schedules
       check_race.py IRPLAB FOLDER orders SOURCE                         each way to order accesses, and the same with one access outside
       check_race.py IRPLAB FOLDER watch                                 races in images that tell nothing
"""
import json
import os
import subprocess
import sys
import tempfile

irplab, folder, where = sys.argv[1], sys.argv[2], tempfile.mkdtemp()
bad = []


def explore(*words, options=()):
    command = [irplab, 'explore', '--json', '--output', where, *options, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    try:
        return done.returncode, json.loads(done.stdout), done
    except ValueError:
        sys.exit(f'{" ".join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}')


def image(name):
    return os.path.join(folder, name)


def check_bad(rule, text, words):
    name, _, text = rule, None, text
    status, result, _ = explore(*words)
    again = explore(*words)[1]
    names = [f['name'] for f in result['failures']]
    if status != 1 or name not in names:
        return f'{" ".join(words)}: exit {status}, {names}, {name} wanted'
    failure = result['failures'][names.index(name)]
    if failure['kind'] != 'verifier' or any(t not in failure['message'] for t in text):
        return f'{" ".join(words)}: {failure["kind"]}: {failure["message"]}: {text} wanted'
    if [(f['message'], f['schedule']) for f in again['failures']] != [(f['message'], f['schedule']) for f in result['failures']] or again['run_hash'] != result['run_hash']:
        return f'{" ".join(words)}: not the same twice'
    replay = subprocess.run([irplab, 'replay', failure['replay']], capture_output=True, text=True, timeout=60)
    if replay.returncode != 1 or failure['message'] not in replay.stdout:
        return f'{failure["replay"]}: exit {replay.returncode}: {replay.stdout[:400]}'
    if name == 'DataRace' and (replay.stdout.count(' # Call Site') < 2 or 'locks held' not in replay.stdout):
        return f'{" ".join(words)}: no two stacks:\n{replay.stdout}'
    return None


def check_fixed(words):
    status, result, done = explore(*words)
    if status != 0 or not result['complete']:
        return f'{" ".join(words)}: exit {status}, complete {result["complete"]} ({result["bound"]}): {[f["message"] for f in result["failures"]]} {done.stderr[-500:]}'
    return None


def both(kind, what, items):
    for item in items:
        name, _, rule = item.partition('=')
        rule, *text = rule.split(':')
        for fixed in ('', '-fixed'):
            if kind == 'driver':
                words = ['--driver', image(what + fixed + '.sys'), image('ask.exe'), name, '1' if rule != 'DataRace' or name in ('flag', 'work') else '2']
            else:
                words = [image(what + fixed + '.exe'), name]
            wrong = check_fixed(words) if fixed else check_bad(rule, text, words)
            print(f'{what}{fixed} {name}: {"wrong" if wrong else "ok"}')
            if wrong:
                bad.append(wrong)


def points():
    words = [image('races-program.exe'), 'count']
    status, result, _ = explore(*words)
    if status != 1 or result['complete'] or 'race_points' in result:
        bad.append(f'the first race ends the search, which is not complete: {status} {result}')
    for shared in ([], ['--jobs', '2']):
        status, result, _ = explore(*words, options=['--keep-going', '--strategy', 'dpor', *shared])
        names = sorted(f['name'] for f in result['failures'])
        # Read against write, and write against write; then four classes of orders of two increments, and nothing more to find.
        if status != 1 or names != ['DataRace', 'DataRace'] or not result['complete'] or result.get('race_points') != 2 or result['traces'] != 4:
            bad.append(f'racing places become points {shared}: {status} {json.dumps(result)}')
        if 'scheduling points' not in result['bound']:
            bad.append(f'the bound does not say so: {result["bound"]}')
        for f in result['failures']:
            replay = subprocess.run([irplab, 'replay', f['replay']], capture_output=True, text=True, timeout=60)
            if replay.returncode != 1 or f['message'] not in replay.stdout:
                bad.append(f'{f["replay"]}: exit {replay.returncode}: {replay.stdout[:400]}')
    # Whoever explores: each pair becomes points and is a finding, and the totals are those of one process.
    for name in ('count', 'list'):
        words = ['--driver', image('races.sys'), image('ask.exe'), name, '2']
        for strategy in ([], ['--strategy', 'dpor'], ['--strategy', 'dfs', '--preemptions', '1']):
            one, *others = (explore(*words, options=['--keep-going', '--jobs', n, *strategy])[1] for n in ('1', '2', '3'))
            races = [f['message'] for f in one['failures'] if f['name'] == 'DataRace']
            if not one['complete'] or len(races) != one['race_points'] or len(races) < 4:
                bad.append(f'{name} {strategy}: {len(races)} races, {json.dumps(one)}')
            for other in others:
                for key in ('schedules', 'blocked', 'failing', 'traces', 'complete', 'race_points'):
                    if other[key] != one[key]:
                        bad.append(f'{name} {strategy}: {key} {other[key]} shared, {one[key]} by one process')
                if sorted((f['name'], f['times']) for f in other['failures']) != sorted((f['name'], f['times']) for f in one['failures']):
                    bad.append(f'{name} {strategy}: other failures when shared')


def coverage():
    done = subprocess.run([irplab, 'run', '--json', '--output', where, image('covered.exe'), 'count'], capture_output=True, text=True, timeout=60)
    few = json.loads(done.stdout)['coverage'][0]
    done = subprocess.run([irplab, 'explore', '--json', '--output', where, image('covered.exe'), 'volatile'], capture_output=True, text=True, timeout=60)
    more = json.loads(done.stdout)['coverage'][0]
    if few['image'] != 'covered.exe' or not 0 < few['covered'] < few['edges'] or few['edges'] != more['edges']:
        bad.append(f'coverage: {few} {more}')
    with open(os.path.join(where, 'coverage.json'), encoding='utf-8') as f:
        listed = json.load(f)['images'][0]
    if len(listed['edges']) != more['covered'] or not any('publish_volatile' in e['symbol'] for e in listed['edges']):
        bad.append(f'coverage.json: {listed}')


def models():
    for words, count in (('readers 5', 16), ('readers 9', 256), ('lastzero 4', 12), ('lastzero 6', 64), ('inc 2', 4), ('inc 3', 36), ('ainc 4', 24), ('writers 5', 120), ('first 3', 3)):
        status, r, _ = explore(image('models.exe'), *words.split(), options=['--strategy', 'dpor'])
        if status != 0 or not r['complete'] or r['blocked'] or r['schedules'] != count:
            bad.append(f'{words}: exit {status}, {r["schedules"]} schedules, {r["blocked"]} blocked, complete {r["complete"]}; {count} wanted')


def watch():
    def words(driver, what, threads):
        return ['--driver', image(driver), image('ask.exe'), what, threads]
    for what, threads, text in (('flag', '1', 'Ready'), ('count', '2', 'References'), ('list', '2', 'Items'), ('work', '1', 'Work')):
        bad.append(check_bad('DataRace', [text], ['--watch', '100', *words('plain.sys', what, threads)]))
    bad.append(check_bad('DataRace', [], ['--watch', '60', '--seed', '3', *words('plain.sys', 'count', '2')]))
    for what in ('flag', 'work'):
        bad.append(check_fixed(['--watch', '40', *words('plain-fixed.sys', what, '1')]))
    status, result, _ = explore(*words('plain.sys', 'count', '2'))
    if status != 0:
        bad.append(f'without --watch: {result}')
    bad[:] = [b for b in bad if b]


# Numbers in driver/orders.c; those after whose own order the access outside is ordered, too, cannot be wrong.
ORDERS = {'queued spin lock': 1, 'shared spin lock': 2, 'guarded mutex': 4, 'semaphore': 6, 'event': 7, 'resource': 9, 'push lock': 10, 'interlocked': 15, 'volatile': 16, 'DPC': 17,
          'timer': 18, 'flush': 19, 'work item': 20}
PROGRAM_ORDERS = {'critical section': 0, 'try': 1, 'SRW lock': 2, 'mutex': 4, 'semaphore': 5, 'event': 6, 'signal and wait': 8, 'once': 10, 'release': 11, 'volatile': 16}
PROGRAM_ORDERED = {'condition': 3, 'event handed on': 7, 'address': 9, 'port': 12, 'stack': 13, 'pool': 14, 'APC': 15}
ORDERED = {'event handed on': 8, 'rundown': 11, 'remove lock': 12, 'list': 13, 'stack': 14, 'queue': 21}


def orders():
    source = sys.argv[4]
    program = source.endswith('-program.c')
    right, only_right = (PROGRAM_ORDERS, PROGRAM_ORDERED) if program else (ORDERS, ORDERED)

    def built(number, *defines):
        out = os.path.join(where, f'orders{number}{len(defines)}' + ('.exe' if program else '.sys'))
        subprocess.run([irplab, 'cc', '--race', '-O1', '-g', f'-DONE={number}', *defines, '-o', out, source] + ['-lsynchronization'] * program, check=True)
        return [out] if program else ['--driver', out]
    for name, number in {**right, **only_right}.items():
        wrong = check_fixed(built(number))
        if wrong:
            bad.append(f'{name}: {wrong}')
    for name, number in right.items():
        status, result, _ = explore(*built(number, '-DWRONG'))
        if status != 1 or [f['name'] for f in result['failures']] != ['DataRace']:
            bad.append(f'{name}, wrong: exit {status}, {result["failures"]}')


what = sys.argv[3]
if what in ('driver', 'program'):
    both(what, sys.argv[4], sys.argv[5:])
else:
    {'points': points, 'coverage': coverage, 'models': models, 'watch': watch, 'orders': orders}[what]()
print('\n'.join(bad))
sys.exit(1 if bad else 0)
