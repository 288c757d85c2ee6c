"""A PR of many rows, accepted by a random sample of them: with a bound on the bad ones, or not.

plan      pure: when to look, what passes, the bound; the order in which rows are drawn
queries   the sample of a PR, what is judged, and everything needed to reckon it again
actions   begin, judge a row; the PR is sent back by itself when too many are bad
"""
