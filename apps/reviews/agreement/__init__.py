"""Whether the people who decide would decide alike, and what is done where they would not.

policy      the numbers, the reasons, the draws
asking      how many voices one PR needs, and why
voting      rounds of hidden voices, opened together; a third person where they differ
actions     gold items, whose right verdict is known; audits, a blind second look in public
drawing     which decisions are looked at again
consensus   Dawid-Skene over all voices; Krippendorff's alpha by skill and week
signals     people who favour each other, and people who do not read
reckoning   what the clock writes down of both
intervals   Wilson and Clopper-Pearson, without any library
"""
