"""Which answers become examples: the checks of a run, and the result of a row.

spec, registry   the checks that a run uses, and the file of each
base             the interface of every check, and what it examines
examined         a sample's answers, and which check refuses them
row_result       a scored row to its example or its reject: only this file decides
selection        which of several samples are kept, and whether another is needed
label            the answer is the row's own (equal_mathematics: what two formulas mean, in a separate process)
length           bounds in words or characters
refusal          forms of declining to answer
language         the question's language, or a named one
schema           JSON that fits a JSON Schema
judge            a judge model's score: its question and how its reply is read (rubrics: the wording)
python_function  a function of the user's own
"""
