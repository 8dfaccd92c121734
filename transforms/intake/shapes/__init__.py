"""Common shapes of rows other than a column of messages: each makes a chat from a record."""
