"""The models in the checkers that Debian packages. A peer that is not there, or does not run on this machine, is named and left out."""
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))


def spin(folder, ours):
    if not shutil.which('spin'):
        print('  SPIN: not installed (Debian package spin)')
        return
    for n in (6, 8):
        r = ours('lastzero', str(n))
        shutil.copy(f'{here}/lastzero.pml', folder)
        subprocess.run(['spin', '-a', f'-DN={n}', 'lastzero.pml'], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(['cc', '-O2', '-w', '-o', 'pan', 'pan.c'], cwd=folder, check=True)
        t = time.perf_counter()
        out = subprocess.run(['./pan', '-m100000'], cwd=folder, capture_output=True, text=True).stdout
        t = time.perf_counter() - t
        states = int(re.search(r'(\d+) states, stored', out).group(1))
        print(f'  lastzero {n}: SPIN {states} states {t:.2f} s; irplab {r["schedules"]} schedules {r["seconds"]:.2f} s ({t / r["seconds"]:.1f} times as fast)', flush=True)


def relacy(folder, ours):
    built = subprocess.run(['c++', '-O2', '-std=c++14', '-fpermissive', '-w', '-o', 'relacy_models', f'{here}/relacy_models.cpp'], cwd=folder, capture_output=True)
    if built.returncode:
        print('  relacy: not installed (Debian package relacy-dev)')
        return
    for name, runs, seconds in re.findall(r'^([\w ]+): (\d+) runs ([\d.]+) s', subprocess.run(['./relacy_models'], cwd=folder, capture_output=True, text=True).stdout, re.M):
        r = ours(*name.split())
        print(f'  {name}: relacy {runs} runs {float(seconds):.3f} s; irplab {r["schedules"]} schedules {r["seconds"]:.3f} s ({float(seconds) / r["seconds"]:.2f} times as fast)',
              flush=True)


def chaos(folder, seeds, seconds=20):
    """Runs of rr's chaos mode to the first failure of the same mistake in a native program; as many searches as fit into the time."""
    if not shutil.which('rr'):
        print('  rr chaos: not installed (Debian package rr)')
        return None
    subprocess.run(['cc', '-O2', '-pthread', '-o', 'lost_wakeup', f'{here}/lost_wakeup.c'], cwd=folder, check=True)
    environment = os.environ | {'_RR_TRACE_DIR': folder}
    found, end = [], time.perf_counter() + seconds
    while len(found) < seeds and time.perf_counter() < end:
        for n in range(1, 1001):
            p = subprocess.run(['rr', 'record', '--chaos', './lost_wakeup'], cwd=folder, capture_output=True, text=True, env=environment)
            if p.returncode not in (0, 1) or time.perf_counter() > end:
                break
            if p.returncode == 1:
                found.append(n)
                break
        if p.returncode not in (0, 1):
            print(f'  rr chaos: does not run here: {(p.stderr.strip().splitlines() or ["no message"])[0]}')
            return None
    print(f'  rr chaos, lost wake-up in a native program: {statistics.median(found):g} runs to the first failure, median of {len(found)}' if found
          else f'  rr chaos: not found in {seconds} s')
    return found


def compare(ours, lost_wakeup, seeds):
    """ours(*model): our search of it; lost_wakeup(seed): a search for the lost wake-up of cases/."""
    print('peers: statements and C++ atomics instead of real images')
    with tempfile.TemporaryDirectory() as folder:
        spin(folder, ours)
        relacy(folder, ours)
        if chaos(folder, seeds):
            print(f'    irplab, pct, cases/lost-wakeup: {statistics.median(lost_wakeup(seed)["schedules"] for seed in range(1, seeds + 1)):g} schedules')
