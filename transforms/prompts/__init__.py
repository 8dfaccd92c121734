"""Task wording, and the way back from reply to answer. Standard library only.

spec, registry                     which prompt a run uses
base, single_turn                  what every prompt does; what the four tasks with one answer share
nli, nlu_qa, mathematics,          one task each
summarization, conversation
chain_of_thought, chain_of_density the two ways of asking for more than the answer
carry_over                         what of a row's own system message goes into these
answers                            the answer out of a reply: text, label, number, summary
embedded_json, plain_number        what answers is made of
progress                           how far a row has come
"""
