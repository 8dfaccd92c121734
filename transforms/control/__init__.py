"""Small files through which the processes of one run and its command communicate."""
