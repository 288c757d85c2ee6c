"""The only hand that moves a thing between stages, and the hash-chained record of who moved it and
why; the outbox.
"""
