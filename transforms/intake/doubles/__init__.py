"""Rows that double other rows, found in reading order before anything is sent.

``words`` makes numbers of the words of many prompts at once, ``shared_words`` finds the words that all prompts begin and end with,
``sketches`` is what is compared, ``first_rows`` finds the first row with a number, ``seen_rows`` compares a row with all earlier rows,
``references`` with other files, and ``sieve`` decides.
"""
