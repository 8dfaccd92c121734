"""Task wording, and how a reply becomes an answer. Standard library only.

spec, registry                     which prompt a run uses, and the file of each task
base, single_turn                  the interface of every prompt; what the tasks with one answer share
chain_of_thought, chain_of_density the two ways to ask for more than the answer
carry_over                         the parts of a row's own system message that these keep
answers                            the answer in a reply: text, label, number, summary
endings, token_limit               whether a reply is complete, and whether a higher limit would give more
thinking, teacher_reasoning        where thinking ends and the answer begins, and the thinking itself
answer_form, listed_labels,        the form that the row's own instructions ask for, and which of their labels an answer names
named_label, other_case
embedded_json, latex_escapes       JSON as teachers write it
plain_number, number_markup,       one certain number
number_words
comparable                         the form in which answers are compared
progress                           the answer in a reply, and the next turn of a row
"""
