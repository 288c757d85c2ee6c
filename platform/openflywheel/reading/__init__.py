"""Reading what people have: files of rows, and JSON that says what it says.

The site reads with these same modules, so that what is refused at home is refused there alike.
Only the standard library; Arrow where a file is Parquet.
"""
