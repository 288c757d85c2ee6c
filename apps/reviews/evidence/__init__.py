"""Evidence on the PR: what its rows would do to the live model, tried within minutes. A preview.

rule       the numbers that a team may set
offering   what of a PR is asked, learned and kept, as a job for the trainer
actions    taking PRs under a lease, measuring them in a child process, giving way to builds
"""
