"""Which answers become examples: the checks of a run, and the result of a row.

spec, registry   the checks that a run uses, and the file of each
base             the interface of every check, and what it examines
row_result       a scored row to its example or its reject: only this file decides
length           bounds in words or characters
"""
