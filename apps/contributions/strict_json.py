"""Strict JSON under the name that the rooms of contributions use; it lives with the traces."""

from apps.traces.strict_json import DEEPEST, MOST_DIGITS, BadJSON, check_text, loads

__all__ = ["DEEPEST", "MOST_DIGITS", "BadJSON", "check_text", "loads"]
