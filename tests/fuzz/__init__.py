"""Files that nobody meant, made by Hypothesis: every reader answers with a documented error or a result."""
