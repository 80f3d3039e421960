#!/usr/bin/env python3
"""A search shared by processes comes to the totals of one process: also when processes are killed at random times, when it is cut and goes on
later from a state file, and when workers share it through a Redis server.

usage: check_shared.py IRPLAB MODELS.exe CASES jobs|kill|state|queue|server|slow RACES.exe"""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

irplab, program, cases, races = (os.path.abspath(sys.argv[a]) for a in (1, 2, 3, 5))
mode = sys.argv[4]
folder = tempfile.mkdtemp()
COUNTS = ('schedules', 'blocked', 'failing', 'traces', 'complete')
wrong = 0


def catches(pid, number):
    """Whether a process handles this signal by now, or is gone."""
    try:
        with open(f'/proc/{pid}/status') as f:
            masks = [int(line.split()[1], 16) for line in f if line.startswith('SigCgt')]
    except OSError:
        masks = []
    return not masks or masks[0] >> (number - 1) & 1


def check(condition, text):
    global wrong
    if not condition:
        wrong += 1
        print('FAILED: ' + text)


def command(*options):
    return [irplab, 'explore', '--json', '--output', os.path.join(folder, 'out'), '--time', '120', *options]


def result(done, options):
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f'{options}: exit status {done.returncode}: {done.stdout}{done.stderr}')


def explore(*options):
    return result(subprocess.run(command(*options), capture_output=True, text=True), options)


def same(a, b, what):
    for name in COUNTS:
        check(a[name] == b[name], f'{what}: {name} {a[name]}, expected {b[name]}')


def model(*arguments, strategy='dpor'):
    return ['--strategy', strategy, '--keep-going', '--cpus', '16', program, *arguments]


def without_times(r):
    return {k: v for k, v in r.items() if k not in ('seconds', 'steps', 'replayed', 'abandoned')}  # who shares a search gives up its own


def jobs():
    for arguments in (['writers', '4'], ['lastzero', '5'], ['critical', '3', '2'], ['indexer', '12'], ['filesystem', '14'], ['counters', '3', '2'], ['rw', '3'], ['lamport', '2'], ['tas', '3', '1']):
        one = explore(*model(*arguments))
        check(one['blocked'] == 0, 'blocked runs')
        for n in ('2', '3'):
            same(explore('--jobs', n, *model(*arguments)), one, f'{arguments} by {n} processes')
    few = ['--preemptions', '1', *model('counters', '2', '2', strategy='dfs')]
    same(explore('--jobs', '2', *few), explore(*few), 'dfs')
    for strategy in ('pct', 'pos', 'surw', 'random'):
        sampled = ['--schedules', '100', *model('lastzero', '3', strategy=strategy)]
        same(explore('--jobs', '2', *sampled), explore(*sampled), strategy)
    # Cases: the same findings, down to the schedule.
    for case in ('lost-wakeup', 'lost-wakeup/fixed', 'camera-create-cancelled'):
        for more in ([], ['--keep-going']) if case == 'lost-wakeup' else ([],):
            one, two = (without_times(explore('--jobs', n, *more, os.path.join(cases, case))) for n in ('1', '2'))
            one['bound'] = two['bound'] = '' if one['failing'] else one['bound']  # phases are named as far as they came
            check(one == two, f'{case}: by two processes {two}, by one {one}')
    # The schedule of a failure is a line that brings it back.
    case = os.path.join(cases, 'lost-wakeup')
    one = explore(case)
    failure = one['failures'][0]
    check(failure['avoidable']['choice'] < failure['choices'] and failure['orders']['passing'], f'what the failure tells: {failure}')
    done = subprocess.run([irplab, 'run', '--json', '--schedule', failure['schedule'], case], capture_output=True, text=True)
    again = result(done, 'run --schedule')
    check(done.returncode == 1 and again['failures'][0]['message'] == failure['message'] and again['run_hash'] == one['run_hash'], f'run --schedule: {again}')
    refused(['run', '--schedule', failure['schedule'], os.path.join(cases, 'camera-create-cancelled')], 'cannot be made')
    refused(['run', '--schedule', 's1:junk', case], '--schedule')


def children(pid):
    try:
        with open(f'/proc/{pid}/task/{pid}/children') as f:
            return [int(c) for c in f.read().split()]
    except FileNotFoundError:
        return []


def kill_now_and_then(arguments, one, rng, pause):
    """One shared search whose processes are killed, at most twelve; how many were."""
    killed = 0
    p = subprocess.Popen(command('--jobs', '2', *model(*arguments)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while p.poll() is None and killed < 12:
        time.sleep(rng.uniform(0, pause))
        those = children(p.pid)[1:]  # the first confirms failures
        if those and p.poll() is None:
            try:
                os.kill(rng.choice(those), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
    out, err = p.communicate(timeout=120)
    same(result(subprocess.CompletedProcess([], p.returncode, out, err), arguments), one, f'{arguments} with {killed} processes killed')
    return killed


def kill():
    rng = random.Random(1)
    for arguments in (['lastzero', '9'], ['writers', '6'], ['filesystem', '18']):
        one = explore(*model(*arguments))
        tries = killed = 0
        while killed < 6 and tries < 30:  # a search may be over before it is anybody's turn
            killed += kill_now_and_then(arguments, one, rng, one['seconds'] / 2 ** (tries % 4))
            tries += 1
        print(f'{arguments}: {killed} killed in {tries} searches')
        check(killed >= 6, f'{arguments}: only {killed} processes were killed')


def refused(options, words):
    done = subprocess.run([irplab, *options], capture_output=True, text=True, timeout=60)
    check(done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1 and words in done.stderr,
          f'{options}: exit status {done.returncode}, {done.stdout!r} {done.stderr!r}')


def state():
    file = os.path.join(folder, 'state')
    for options in (model('lastzero', '6'), ['--preemptions', '2', *model('counters', '3', '2')], ['--preemptions', '1', *model('counters', '3', '1', strategy='dfs')]):
        one = explore(*options)
        parts, r = 1, explore('--schedules', '20', '--state', file, *options)
        check(not r['complete'] and r['schedules'] == 20, f'{options}: cut at {r["schedules"]}')
        while not r['complete'] and parts < 40:
            more = ['--schedules', str(20 + 30 * parts), '--jobs', str(1 + parts % 2)] if parts < 4 else ['--time', '60']
            r = explore('--resume', file, *more, *(options if parts % 2 else []))
            parts += 1
        same(r, one, f'{options} in {parts} parts')
        same(explore('--resume', file), one, f'{options} once more')
    # The automatic strategy, its phases included.
    options = [os.path.join(cases, 'lost-wakeup', 'fixed')]
    one, r = explore(*options), explore('--schedules', '10', '--state', file, *options)
    check(r['schedules'] == 10 and not r['complete'], f'automatic: cut at {r["schedules"]}')
    for n in ('20', '24', '30', '45'):
        r = explore('--schedules', n, '--resume', file)
        check(r['schedules'] == int(n) and not r['complete'], f'automatic: cut at {r["schedules"]}, not {n}')
    same(explore('--resume', file), one, 'automatic')
    # Failures of a search that goes on without its files are the same, and can be replayed.
    options = ['--keep-going', os.path.join(cases, 'lost-wakeup')]
    one, r = explore(*options), explore('--schedules', '20', '--state', file, *options)
    r = explore('--resume', file)
    same(r, one, 'failures')
    check([(f['message'], f['times']) for f in r['failures']] == [(f['message'], f['times']) for f in one['failures']] and r['run_hash'] == one['run_hash'], f'failures: {r}')
    check(subprocess.run([irplab, 'replay', r['failures'][0]['replay']], capture_output=True).returncode == 1, 'a failure found after --resume is not replayed')
    # Racing places become points on the way.
    options = ['--keep-going', '--strategy', 'dpor', races, 'shared']
    one, r = explore(*options), explore('--schedules', '3', '--state', file, *options)
    check(one['race_points'] == 2 and not r['complete'], f'races: cut at {r["schedules"]}')
    r = explore('--schedules', '5', '--resume', file)
    check(not r['complete'] and r['race_points'] == 2 and r['failing'] == 2, f'races: cut at {r["schedules"]}: {r}')
    same(explore('--resume', file), one, 'races')
    # Interrupted.
    options = model('lastzero', '7')
    one = explore(*options)
    p = subprocess.Popen(command('--jobs', '2', '--state', file, *options), stdout=subprocess.PIPE, text=True)
    while not catches(p.pid, signal.SIGINT): # on a busy machine it takes long to begin
        time.sleep(0.02)
    time.sleep(0.5)
    p.send_signal(signal.SIGINT)
    out, _ = p.communicate(timeout=60)
    check(p.returncode == 0 and json.loads(out)['schedules'] <= one['schedules'], f'interrupted: exit status {p.returncode}')
    same(explore('--resume', file), one, 'gone on with after an interruption')
    good = open(file, 'rb').read()
    for broken, words in ((b'', 'not a state file'), (b'junk\n', 'not a state file'), (good.replace(b'irplab-search ', b'irplab-search 1', 1), 'another version'), (good[:len(good) // 2], 'damaged'), (good[:40] + b'x' + good[41:], 'damaged'), (good + b'x', 'damaged')):
        open(file, 'wb').write(broken)
        refused(['explore', '--resume', file, *options], words)
        refused(['explore', '--resume', file], words)
    open(file, 'wb').write(good)
    refused(['explore', '--resume', file, *model('lastzero', '5')], 'another search')
    refused(['explore', '--resume', os.path.join(folder, 'none')], 'none')
    refused(['explore', '--state', os.path.join(folder, 'no', 'file'), *options], 'No such file')
    refused(['explore', '--junit', os.path.join(folder, 'no', 'file'), *options], 'No such file')
    refused(['explore', '--sarif', folder, *options], 'directory')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def redis_server():
    server = shutil.which('redis-server')
    if not server:
        sys.exit('redis-server is missing: make deps')
    return server


def start_server(server, port, *options):
    p = subprocess.Popen([server, '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, *options], stdout=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            break
        except OSError:
            time.sleep(0.05)
    return p


class Proxy:
    """Between a worker and the server, one stream of bytes each way. Counts what is told apart by a text, and calls `act` once where that has
    come for the n-th time: before it is handed on, or (behind=True) after."""

    def __init__(self, port, to_worker, text, n, behind, act):
        self.server, self.to_worker, self.text, self.left, self.behind, self.act = port, to_worker, text, n, behind, act
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.done = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            worker = self.listener.accept()[0]
            server = socket.create_connection(('127.0.0.1', self.server))
            threading.Thread(target=self.hand_on, args=(server, worker, self.to_worker), daemon=True).start()
            threading.Thread(target=self.hand_on, args=(worker, server, not self.to_worker), daemon=True).start()

    def hand_on(self, source, sink, watched):
        tail = b''
        try:
            while data := source.recv(1 << 20):
                seen = (tail + data).count(self.text) - tail.count(self.text) if watched else 0
                tail = (tail + data)[-len(self.text):]
                self.left -= seen
                now = seen and self.left <= 0 and not self.done.is_set()
                if now and not self.behind:
                    self.act()
                sink.sendall(data)
                if now and self.behind:
                    self.act()
                if now:
                    self.done.set()
        except OSError:
            pass
        finally:
            for s in (source, sink):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def queue():
    server = redis_server()
    port = free_port()
    url = f'redis://127.0.0.1:{port}/test'
    refused(['explore', '--queue', url, *model('writers', '3')], 'refused')
    refused(['worker', '--queue', url], 'refused')
    for bad in ('http://x/', 'redis://', 'redis://x:y/', f'redis://127.0.0.1:{port}/a b', 'redis://127.0.0.1:99999/', 'redis://127.0.0.1:+1/', 'redis://:%4@127.0.0.1/', 'redis://word@127.0.0.1/',
                'redis://:p@/', 'redis://[::1/', 'redis://::1/', f'redis://127.0.0.1:{port}/x?db=', f'redis://127.0.0.1:{port}/x?db=-1', f'redis://127.0.0.1:{port}/x?other=1',
                'redis://:' + 'p' * 300 + '@127.0.0.1/'):
        refused(['explore', '--queue', bad, *model('writers', '3')], 'redis://HOST:PORT/NAME')
        refused(['worker', '--queue', bad], 'redis://HOST:PORT/NAME')
    refused(['worker'], '--queue')
    running = [start_server(server, port)]
    try:
        def worker(through=url):
            w = subprocess.Popen([irplab, 'worker', '--queue', through], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            running.append(w)
            return w

        def doomed(*when):
            """A worker that dies where its traffic with the server comes to something."""
            who = []
            proxy = Proxy(port, *when, lambda: who[0].kill())
            who.append(worker(f'redis://127.0.0.1:{proxy.port}/test'))
            check(proxy.done.wait(120) and who[0].wait(20) == -signal.SIGKILL, f'a worker was not killed: {when}')

        workers = [worker(), worker()]
        for options in (model('writers', '4'), model('lastzero', '5'), ['--preemptions', '1', *model('counters', '2', '2')], ['--schedules', '100', *model('rw', '3', strategy='pct')]):
            same(explore('--queue', url, *options), explore(*options), f'{options} through the queue')
        case = os.path.join(cases, 'lost-wakeup')
        one, two = without_times(explore(case)), without_times(explore('--queue', url, case))
        one['bound'] = two['bound'] = ''
        check(one == two, f'{case}: through the queue {two}, here {one}')
        for options in (['--keep-going', races, 'shared'], ['--keep-going', '--strategy', 'dpor', races, 'shared']):
            one, two = explore(*options), explore('--queue', url, *options)
            same(two, one, f'{options} through the queue')
            check(one['race_points'] == 2 and two['race_points'] == 2, f'racing places that became points: {two["race_points"]} through the queue, {one["race_points"]} here')
        # An end on request is no failure.
        for w in workers:
            w.terminate()
            check(w.wait(20) == 0, 'a worker that is told to end')
        # Workers die: one whose result has come and whose item is not acknowledged, one that has just been given an item, one whose result is lost. Each
        # has something of the search, which so is not over; others come.
        options = model('lastzero', '9')
        p = subprocess.Popen(command('--queue', url, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(p)
        doomed(False, b'XACK', 1, False)
        doomed(True, b'\r\nms\r\n', 1, False)
        doomed(False, b':results\r\n', 1, False)
        check(p.poll() is None, 'the search is over although a worker has died with a part of it')
        workers = [worker(), worker(), worker()]
        out, err = p.communicate(timeout=120)
        same(result(subprocess.CompletedProcess([], p.returncode, out, err), options), explore(*options), 'with workers killed')
    finally:
        for p in running:
            if p.poll() is None:
                p.kill()
            p.wait()


class Setting:
    """A server with a password, keepers and workers; all end with it."""

    def __init__(self, *options):
        self.port, self.options, self.running = free_port(), options, []
        self.url = f'redis://:a%2fb%40c@127.0.0.1:{self.port}/test?db=3'
        self.start()

    def start(self):
        self.server = start_server(redis_server(), self.port, '--requirepass', 'a/b@c', *self.options)
        self.running.append(self.server)
        self.tell('SELECT', '3')

    def tell(self, *words, connection={}):
        """One command and its answer; None where there is nothing."""
        c = connection.get(self.port)
        if words[0] == 'SELECT' or not c:
            c = connection[self.port] = socket.create_connection(('127.0.0.1', self.port)).makefile('rwb')
            for first in (['AUTH', 'a/b@c'], ['SELECT', '3']):
                self.say(c, first)
        return self.say(c, words)

    def say(self, c, words):
        c.write(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w.encode()), w.encode()) for w in words))
        c.flush()
        return self.answer(c)

    def answer(self, c):
        line = c.readline().rstrip()
        kind, rest = line[:1], line[1:]
        if kind == b'*':
            return [self.answer(c) for _ in range(int(rest))]
        if kind == b'$' and rest != b'-1':
            return c.read(int(rest) + 2)[:-2].decode(errors='replace')
        return None if kind in b'$' else int(rest) if kind == b':' else rest.decode()

    def begin(self, *command_line):
        p = subprocess.Popen(command_line, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.running.append(p)
        return p

    def worker(self, *more):
        return self.begin(irplab, 'worker', '--queue', self.url, *more)

    def keeper(self, *options):
        return self.begin(*command('--queue', self.url, *options))

    def wait_for(self, what, condition):
        for _ in range(1200):
            if condition():
                return
            time.sleep(0.05)
        check(False, f'waited a minute for {what}')

    def is_on(self):
        """The number of the search that is."""
        return self.tell('GET', 'test:current')

    def end(self):
        for p in self.running:
            if p.poll() is None:
                p.kill()
            p.wait()


def finish(p, expected, what):
    out, err = p.communicate(timeout=120)
    same(result(subprocess.CompletedProcess([], p.returncode, out, err), what), expected, what)


def refuses(p, words, what, said=None):
    """Ends with one line; said: and has said others of that kind before."""
    out, err = p.communicate(timeout=60)
    lines = err.splitlines() or ['']
    check(p.returncode == 2 and not out and words in lines[-1] and all(said and said in line for line in lines[:-1]), f'{what}: {p.returncode} {out!r} {err!r}')


def server():
    """Passwords and databases; what lies in the queue that does not belong there; workers that do not fit; a server that forgets, goes and comes."""
    options = model('lastzero', '7')
    one = explore(*options)
    s = Setting()
    try:
        refused(['worker', '--queue', f'redis://127.0.0.1:{s.port}/test'], 'NOAUTH')
        refused(['explore', '--queue', f'redis://:wrong@127.0.0.1:{s.port}/test', *options], 'WRONGPASS')
        refused(['worker', '--queue', s.url.replace('db=3', 'db=99')], 'DB index')
        # Another version, files that are not the keeper's, a run that is not: nothing is served.
        p = s.keeper(*options)
        s.wait_for('the search', s.is_on)
        n = s.is_on()
        head = f'test:{n}:head'
        version, files = s.tell('HGET', head, 'version'), s.tell('HGET', head, 'target')
        s.tell('HSET', head, 'version', '1')
        refuses(s.worker(), 'another version', 'a worker of another version')
        s.tell('HSET', head, 'version', version, 'target', '1')
        refuses(s.worker(), 'damaged', 'a worker that gets other files')
        s.tell('HSET', head, 'target', files)
        # Others' entries, and a second keeper, which waits for the name in vain.
        second = s.keeper(*options)
        for body in ('', 'junk', 'x' * 5000):
            s.tell('XADD', f'test:{n}:items', '*', 'id', '5', 'generation', '1', 'ms', '10', 'body', body)
            s.tell('XADD', f'test:{n}:results', '*', 'id', '5', 'generation', '1', 'body', body)
        s.tell('XADD', f'test:{n}:items', '*', 'a', 'b')
        s.tell('XADD', f'test:{n}:results', '*', 'a', 'b')
        s.tell('XADD', f'test:{n}:results', '*', 'id', 'x', 'generation', '99999999999999999999999', 'body', 'y')
        refuses(second, 'another search has this queue', 'a second keeper')
        workers = [s.worker('--jobs', '2'), s.worker()]
        finish(p, one, 'with others\' entries in the streams')
        # The server forgets all; it goes and comes back. A worker that holds the search up until then, so that it is still on.
        workers[1].terminate()
        check(workers[1].wait(20) == 0, 'a worker that is told to end')
        os.kill(workers[0].pid, signal.SIGSTOP)
        for c in children(workers[0].pid):
            os.kill(c, signal.SIGSTOP)
        p = s.keeper(*options)
        s.wait_for('the next search', s.is_on)
        s.tell('FLUSHALL')
        s.wait_for('the search again', s.is_on)
        s.server.kill()
        s.server.wait()
        time.sleep(0.5)
        s.start()
        s.wait_for('the search once more', s.is_on)
        for c in children(workers[0].pid):
            os.kill(c, signal.SIGCONT)
        os.kill(workers[0].pid, signal.SIGCONT)
        finish(p, one, 'with a server that went and came')
        check(workers[0].poll() is None, 'a worker ended because its server was gone for a moment')
        check(not [k for k in s.tell('KEYS', '*') if k != 'test:last'], 'keys are left behind')
        # One that does not come back is a failure, for both.
        p = s.keeper(*model('lastzero', '11'))
        s.wait_for('the search', s.is_on)
        s.server.kill()
        refuses(p, f'redis://127.0.0.1:{s.port}/test: ', 'a keeper whose server is gone')
        refuses(workers[0], f'redis://127.0.0.1:{s.port}/test: ', 'a worker whose server is gone', said='is none: left out')
    finally:
        s.end()


def slow():
    """Keepers and workers die, and workers are slow, in many searches; each is finished with the totals of one process."""
    rng = random.Random(3)
    s = Setting()
    workers = [s.worker('--jobs', '2'), s.worker()]
    try:
        for arguments in (['lastzero', '9'], ['writers', '6'], ['filesystem', '18'], ['counters', '4', '2']):
            options = model(*arguments)
            one = explore(*options)
            # A worker is held up beyond its lease: somebody else explores what it has, and it brings its result all the same.
            p = s.keeper(*options)
            s.wait_for('the search', s.is_on)
            slow_one = rng.choice(children(workers[0].pid))
            os.kill(slow_one, signal.SIGSTOP)
            time.sleep(rng.uniform(7, 9))
            os.kill(slow_one, signal.SIGCONT)
            finish(p, one, f'{arguments} with a slow worker')
            # A keeper dies; what it leaves in its state file is gone on with, its name free again after a while.
            file = os.path.join(folder, 'state')
            p = s.begin(*command('--queue', s.url, '--state', file, '--schedules', str(one['schedules'] // 2), *options))
            out, err = p.communicate(timeout=120)
            check(json.loads(out)['schedules'] == one['schedules'] // 2, f'{arguments}: half of it: {err}')
            p = s.begin(*command('--queue', s.url, '--resume', file))
            time.sleep(rng.uniform(0, one['seconds']))
            p.kill()
            p.wait()
            finish(s.begin(*command('--queue', s.url, '--resume', file)), one, f'{arguments} after a keeper died')
            # Workers die at any time, with another keeper already waiting.
            p = s.keeper(*options)
            for _ in range(4):
                time.sleep(rng.uniform(0, one['seconds']))
                w = workers.pop(0)
                w.kill()
                workers.append(s.worker(*rng.choice(([], ['--jobs', '2']))))
            finish(p, one, f'{arguments} with workers killed')
            os.unlink(file)
    finally:
        s.end()


try:
    {'jobs': jobs, 'kill': kill, 'state': state, 'queue': queue, 'server': server, 'slow': slow}[mode]()
finally:
    shutil.rmtree(folder)
print('wrong: %d' % wrong)
sys.exit(wrong != 0)
