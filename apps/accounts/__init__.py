"""Who is acting, and what they are trusted with: roles, trust ladder, scoped tokens, consent."""
