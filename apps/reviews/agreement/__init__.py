"""Whether the people who decide would decide alike, and what is done where they would not.

policy      the numbers, the reasons, the draws
asking      how many voices one PR needs, and why
voting      rounds of hidden voices, opened together; a third person where they differ
gold        items whose right verdict is known, mixed into the queue
auditing    a blind second look at some decisions, in public
consensus   Dawid-Skene over all voices; Krippendorff's alpha by skill and week
signals     people who favour each other, and people who do not read
intervals   Wilson and Clopper-Pearson, without any library
"""
