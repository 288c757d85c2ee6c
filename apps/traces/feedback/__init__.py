"""Feedback in bulk: read, stored and answered row by row, hundreds of thousands at a time.

rows        what a row may say, and how a body of rows is read (msgspec, strictly)
bodies      a stream cut into parcels of whole rows, so that no body is ever held whole
judging     which rows are taken, which repeat what stands, which are refused and why
storing     COPY into the month's partition, and the way round by a staging table
partitions  the months, and the numbers that begin with them
delivering  a request from its first byte to its receipt, at once or as an operation
"""
