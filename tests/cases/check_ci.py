#!/usr/bin/env python3
"""JUnit and SARIF files of an exploration say what --json says.

usage: check_ci.py IRPLAB CASE
"""
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as xml


def main():
    irplab, case = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        junit, sarif = os.path.join(folder, 'j.xml'), os.path.join(folder, 's.sarif')
        run = subprocess.run([irplab, 'explore', case, '--json', '--keep-going', '--time', '20', '--output', folder, '--junit', junit, '--sarif', sarif],
                             capture_output=True, text=True)
        said = json.loads(run.stdout)
        suite = xml.parse(junit).getroot().find('testsuite')
        results = json.load(open(sarif))['runs'][0]['results']
        kinds = [f['kind'] for f in said['failures']]
        assert [f.get('type') for f in suite.iter('failure')] == kinds, kinds
        assert [r['ruleId'] for r in results] == kinds, results
        for r in results:  # beside a file that is there, as a URI
            uri = r['locations'][0]['physicalLocation']['artifactLocation']['uri']
            assert os.path.samefile(urllib.parse.unquote(uri.removeprefix('file://')), os.path.join(case, 'irplab.yaml')), uri
        assert int(suite.get('failures')) == len(kinds) and int(suite.get('tests')) == max(1, len(kinds))
        for f, r in zip(said['failures'], results):
            assert f['replay'] == r['properties']['replay'] and os.path.exists(f['replay']), f
            again = subprocess.run([irplab, 'replay', '--json', f['replay']], capture_output=True, text=True)
            assert again.returncode == 1 and json.loads(again.stdout)['failures'][0]['kind'] == f['kind'], f
        print(f'{case}: {len(kinds)} failures')
        bad = subprocess.run([irplab, 'explore', case, '--junit', os.path.join(folder, 'no', 'such', 'x.xml'), '--output', folder], capture_output=True, text=True)
        assert bad.returncode == 2 and bad.stdout == '' and 'x.xml' in bad.stderr and bad.stderr.count('\n') == 1, bad


main()
