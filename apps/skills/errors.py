"""The ways in which a model line or a skill can be refused."""


class UnknownSkill(Exception):
    """No skill of this name in the line; the text lists the names there are."""


class LineExists(Exception):
    """A model line of this name was founded before."""


class BadLineData(Exception):
    """A row of the line's founding data is wrong; the text names file, row and mend."""
