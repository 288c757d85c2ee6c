"""Screens what waits (format, personal data, secrets, duplicates, contamination, conflicts,
poisoning) and sends it to review or quarantine.
"""
