"""Signed webhooks after Standard Webhooks 1.0.0: keys, addresses that may be called, sending."""
