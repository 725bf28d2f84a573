"""What the documents show as code: commands, options, blocks of Python."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = [path for where in ('', '.github/**/', 'configs/**/', 'depth_refine/**/', 'docs/**/', 'tools/**/')
             for path in sorted(ROOT.glob(f'{where}*.md'))]  # fmt: skip
FENCED = re.compile(r'^( *)(```|~~~) *(\w*)[^\n]*\n(.*?)^\1\2 *$', re.MULTILINE | re.DOTALL)
_SHELL = ('', 'bash', 'console', 'sh', 'shell')


class Code(NamedTuple):
    """A line of a shell block, with those that continue it, or what stands between backticks."""

    place: str  # file:line
    text: str


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """Without blocks of code; what follows stays in its place."""
    return FENCED.sub(lambda block: re.sub(r'[^\n]', ' ', block[0]), text)


def blocks(text: str, *languages: str) -> list[tuple[int, str]]:
    """Blocks of code in these languages: where the text of each begins, and the text."""
    return [(block.start(4), block[4]) for block in FENCED.finditer(text) if block[3] in languages]


def code(text: str, name: str) -> list[Code]:
    """Shell blocks and inline code of a document, or what stands between double backticks of a Python file."""
    pieces = []
    if name.endswith('.py'):
        patterns = [r'``([^`]+)``']
    else:
        patterns = [r'`((?:[^`\n]|\n(?!\n))+)`', r'^(?: {4}|\t)([^\s`][^`\n]*)$']
        for start, block in blocks(text, *_SHELL):
            pieces += [(start + line.start(), line[0]) for line in re.finditer(r'(?:.*\\\n)*.+', block)]
    for pattern in patterns:
        pieces += [(piece.start(1), piece[1]) for piece in re.finditer(pattern, prose(text), re.MULTILINE)]
    return [
        Code(f'{name}:{text.count(chr(10), 0, start) + 1}', ' '.join(piece.replace('\\\n', ' ').split()))
        for start, piece in sorted(pieces)
    ]
