#!/usr/bin/env python3
"""Explores a case, makes its report twice and compares what the page tells with a golden file.

usage: check_report.py [--rebase] IRPLAB CASE GOLDEN

The golden file has the story without what changes with every edit of the kernel: no addresses, choices or times.
"""
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile

VOID = {'meta', 'link', 'br', 'img', 'hr', 'input'}


class Page(html.parser.HTMLParser):
    """Checks that elements nest, ids are unique, anchors lead somewhere and nothing is fetched."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.anchors, self.wrong = [], set(), set(), []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == 'id':
                if value in self.ids:
                    self.wrong.append(f'id {value} occurs twice')
                self.ids.add(value)
            if name in ('href', 'src') and not (value.startswith('#') or value == 'data:,'):
                self.wrong.append(f'{name} leads out of the page: {value}')
            if name == 'href' and value.startswith('#'):
                self.anchors.add(value[1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f'</{tag}> closes what is not open')


def check_page(text, places):
    page = Page()
    page.feed(text)
    wrong = page.wrong + [f'<{t}> is not closed' for t in page.open] + [f'#{a} leads nowhere' for a in page.anchors - page.ids]
    wrong += [f'the page holds a path of this machine: {p}' for p in places if p in text]
    if re.search(r'url\(|@import|https?://(?!www\.w3\.org/2000/svg)', text):
        wrong.append('the page refers to something outside')
    return wrong


def row_text(row):
    """One line a row of a diagram."""
    way = ''
    if row['kind'] in ('call', 'async', 'return'):
        way = f"{row['from']} -> {row['to']}: "
    elif row['kind'] in ('self', 'point'):
        way = f"{row['to']}: "
    status = '' if row['kind'] == 'gap' or not row.get('status') else f" [{row['status']}]"
    return f"  {row['kind']:8}{way}{row['label']}{status}"


def plain(text):
    """Addresses and offsets change with the images."""
    text = re.sub(r'\b[0-9A-Fa-f]{12,16}\b', 'ADDRESS', text)
    return re.sub(r'\+0x[0-9a-f]+', '', text)


def side_text(name, side):
    lines = [f'{name}: ' + ' | '.join(side['lifelines'])] + [row_text(r) for r in side['rows']]
    lines += [f"  link    {side['rows'][k['from']]['label']} -> {side['rows'][k['to']]['label']}: {k['label']}" for k in side['links']]
    lines += [f"  loop    from row {k['from']} to row {k['to']}: {k['label']} ({k['note']})" for k in side['loops']]
    lines.append('  requests')
    lines += [f"    {q['number']} {q['thread']} {q['what']}: {q['status']} by {q['completed_by']}{' (victim)' if q['victim'] else ''}" for q in side['requests']]
    return lines


def story(data):
    lines = [data['name'], data['kind'] + ': ' + data['sentence']] + ['  ' + s for s in data['steps']]
    lines += side_text('failing', data['failing']) + side_text('passing', data['passing'])
    return plain('\n'.join(lines) + '\n')


def make(irplab, case, folder):
    subprocess.run([irplab, 'explore', case, '--quiet', '--output', folder], stdout=subprocess.DEVNULL, check=False)
    replay = os.path.join(folder, os.path.basename(case) + '.irplab')
    pages = []
    for name in ('one.html', 'two.html'):
        path = os.path.join(folder, name)
        said = subprocess.run([irplab, 'report', replay, '-o', path], capture_output=True, text=True, check=True).stdout
        assert said == f'wrote {path}\n', said
        pages.append(open(path, encoding='utf-8').read())
    data = json.loads(subprocess.run([irplab, 'report', '--json', replay], capture_output=True, text=True, check=True).stdout)
    left = sorted(os.listdir(folder))
    assert left == sorted([os.path.basename(replay), 'one.html', 'two.html']), f'left behind: {left}'
    return pages, data


def main():
    rebase = '--rebase' in sys.argv
    irplab, case, golden = [a for a in sys.argv[1:] if a != '--rebase']
    with tempfile.TemporaryDirectory() as folder:
        pages, data = make(irplab, case, folder)
        wrong = check_page(pages[0], [folder, os.path.dirname(os.path.abspath(irplab)), os.path.abspath(case)])
    if pages[0] != pages[1]:
        wrong.append('two reports of one file differ')
    text = story(data)
    if rebase:
        open(golden, 'w', encoding='utf-8').write(text)
    elif text != open(golden, encoding='utf-8').read():
        import difflib
        wrong += list(difflib.unified_diff(open(golden, encoding='utf-8').read().splitlines(), text.splitlines(), 'golden', 'now', lineterm=''))
        wrong.append('if the change is meant: tools/rebase-golden BUILD')
    print('\n'.join(wrong))
    return 1 if wrong else 0


sys.exit(main())
