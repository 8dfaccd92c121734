"""The shapes of rows that people have, besides a column of messages: each makes a chat of a record."""
