"""Lets people decide: queue, claims, consensus, gold items, sampling of bulk PRs, evidence;
Argilla's door.
"""
