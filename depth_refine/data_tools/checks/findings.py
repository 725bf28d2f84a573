"""What a check of a data root says."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One line of the list."""

    kind: str  # 'ok', 'note' (can be on purpose) or 'problem' (has to be put right)
    where: str  # a file or folder of the data root
    message: str


class Findings(list[Finding]):
    """The list, in the order of the checks."""

    def ok(self, where: str, message: str) -> None:
        """Add what is as it should be."""
        self.append(Finding('ok', where, message))

    def note(self, where: str, message: str) -> None:
        """Add what is unusual and may be on purpose."""
        self.append(Finding('note', where, message))

    def problem(self, where: str, message: str) -> None:
        """Add what makes results wrong or a run fail, and what to do."""
        self.append(Finding('problem', where, message))
