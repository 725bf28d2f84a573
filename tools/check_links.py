"""Links between the HTML pages of a folder that lead nowhere: ``python tools/check_links.py build/api``.

A link leads somewhere if its file is in the folder and its anchor, the part after ``#``, is the id of an element there.
Addresses of other places are not looked at. ``make docs`` ends with it.
"""

import argparse
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from command_line import run_tool

from depth_refine.utils.errors import InputError


class Page(HTMLParser):
    """The ids of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element says of itself."""
        self.ids |= {value for name, value in attrs if name == 'id'}
        self.links += [value for name, value in attrs if name in ('href', 'src') and value]


def dead_links(folder: Path) -> list[str]:
    """``page: link`` for each link of the folder's pages that leads nowhere, in the order of the pages."""
    pages = {path: Page(path.read_text(encoding='utf-8')) for path in sorted(folder.resolve().rglob('*.html'))}
    if not pages:
        raise InputError(f'{folder.absolute()} has no HTML pages')
    dead = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_missing = not target.is_file()
            is_lost = parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids
            if not (parts.scheme or parts.netloc) and (is_missing or is_lost):
                dead.append(f'{path.relative_to(folder.resolve()).as_posix()}: {link}')
    return dead


def main() -> None:
    """Print what leads nowhere; an error if anything does."""
    parser = argparse.ArgumentParser(description='Look for links between HTML pages that lead nowhere')
    parser.add_argument('folder', type=Path, help='the pages, such as build/api after make docs')
    if dead := dead_links(parser.parse_args().folder):
        raise InputError(f'links that lead nowhere, {len(dead)}:\n' + '\n'.join(dead))


if __name__ == '__main__':
    run_tool(main)
