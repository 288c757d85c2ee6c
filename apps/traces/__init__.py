"""What was asked and answered: logged requests, outcomes, signals, anomalies, clusters of
failures.
"""
