"""From bytes on disk to columns of text and numbers, nothing encoded yet."""
