"""All errors in the settings at once."""

from __future__ import annotations


class SettingsError(ValueError):
    """One or more settings are wrong. ``problems`` has a line for each: setting, origin, what was expected, what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems) if len(problems) == 1 else "\n  " + "\n  ".join(problems))
        self.problems = problems
