"""Channels, pins and stages: shadow → 1 → 5 → 50 → 100 %, widened while the gates hold, or taken
back; disclosure.
"""
