"""Typed values from the environment, and a list of sentences about those that do not fit.

Every value that differs between machines is one line of settings. A line that cannot be read is
remembered as a sentence that names the mend, and `refuse_if_unfit` raises them all together, so
that whoever sets up a machine mends it once and not ten times.
"""

from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

YES = {"1", "true", "yes", "on"}
NO = {"0", "false", "no", "off"}


class Environment:
    """Reads typed values from a mapping such as `os.environ`; an empty value counts as unset."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._problems: list[str] = []

    def text(self, name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
        """The text under `name`; with `choices`, one of them."""
        value = self._values.get(name, "").strip() or default
        if choices and value not in choices:
            self.refuse(f"{name} is {value!r}; set it to one of {', '.join(choices)}.")
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True for 1, true, yes or on; False for 0, false, no or off."""
        value = self.text(name).lower()
        if not value:
            return default
        if value not in YES | NO:
            self.refuse(f"{name} is {value!r}; set it to 1 or 0.")
            return default
        return value in YES

    def number(
        self, name: str, default: int, *, at_least: int | None = None, at_most: int | None = None
    ) -> int:
        """The whole number under `name`, within its bounds (inclusive)."""
        value = self.text(name)
        try:
            number = int(value) if value else default
        except ValueError:
            self.refuse(f"{name} is {value!r}; set it to a whole number such as {default}.")
            return default
        if at_least is not None and number < at_least:
            self.refuse(f"{name} is {number}; set it to {at_least} or more.")
            return default
        if at_most is not None and number > at_most:
            self.refuse(f"{name} is {number}; set it to {at_most} or less.")
            return default
        return number

    def path(self, name: str, default: Path) -> Path:
        """The path under `name`, absolute; a leading ~ is the home folder."""
        value = self.text(name)
        return Path(value).expanduser().absolute() if value else default

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """The comma-separated words under `name`."""
        value = self.text(name)
        return [word.strip() for word in value.split(",") if word.strip()] or list(default)

    def refuse(self, sentence: str) -> None:
        """Remember why the site must not start; the sentence names the mend."""
        self._problems.append(sentence)

    def refuse_if_unfit(self) -> None:
        """Raise ImproperlyConfigured with every sentence collected so far, if there is one."""
        if self._problems:
            lines = "\n".join(f"  - {problem}" for problem in self._problems)
            raise ImproperlyConfigured(f"The site cannot start:\n{lines}")
