"""Task wording, and the way back from reply to answer. Standard library only.

spec, registry                     which prompt a run uses, and the file of each task
base, single_turn                  what every prompt does; what the tasks with one answer share
chain_of_thought, chain_of_density the two ways of asking for more than the answer
carry_over                         what of a row's own system message goes into these
answers                            the answer out of a reply: text, label, number, summary
endings, token_limit               whether a reply is whole, and whether a higher limit would give more
thinking, teacher_reasoning        what of a reply is said rather than thought, and what was thought
answer_form, listed_labels,        what the row's own instructions make of an answer, and which of their labels it names
named_label, other_case
embedded_json, latex_escapes       JSON as teachers write it
plain_number, number_markup,       one certain number
number_words
progress                           how far a row has come
"""
