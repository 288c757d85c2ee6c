"""Who reads what next: places, claims, habits, who is kept apart, and what is promised."""
