"""What the model should be good at and how each is measured: skills, eval cases, hidden hold-outs,
protected margins.
"""
