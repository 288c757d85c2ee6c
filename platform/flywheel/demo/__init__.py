"""The demonstration: simulated people work the whole loop through the site's public faces.

Nothing here touches the database or calls an action: people sign up, contribute, review, release
and chat over HTTP, the operator uses `manage.py`, and every figure of the report is read back from
the site. What is simulated is the people alone: they know the world's right answers, and err.
"""
