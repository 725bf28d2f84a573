"""Reads the JSON files that experiments leave."""

import json
import math
from pathlib import Path
from typing import Any

from depth_refine.utils.errors import InputError

RESULT_FILE = 'result.json'


def read_json(path: Path) -> dict:
    """Read a dict.

    Raises:
        InputError: the file is missing or damaged or holds anything else.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path} is not a readable JSON file ({error}). Copy it again, or make it again.') from error
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected a JSON object, got {type(content).__name__}. Make it again.')
    return content


def check_result(path: Path, result: Any) -> None:
    """Refuse a result whose ``metrics``, or those ``by_action``, are not finite numbers.

    Args:
        path: where it is from.
        result: what :func:`reproduction.cell.run_cell` wrote.

    Raises:
        InputError: see above.
    """
    try:
        numbers = list(result['metrics'].values())
        for metrics in result.get('by_action', {}).values():
            numbers += metrics.values()
        sound = bool(result['metrics']) and all(map(math.isfinite, numbers)) and bool not in map(type, numbers)
    except (KeyError, TypeError, AttributeError, OverflowError):
        sound = False
    if not sound:
        raise InputError(f"{path}: expected finite numbers in 'metrics' and 'by_action', got {str(result)[:300]}")
