"""How a row is put to the teacher for each task, and how its answer is taken out of the reply."""
