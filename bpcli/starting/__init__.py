"""A first config for a table: what the table holds, what that suggests, and the YAML text.

1. ``reading.read_table`` finds how the table must be read.
2. ``inspection.inspect`` says what each column is.
3. ``suggestion.suggest`` chooses task, loss, split, network and epochs by it.
4. ``template.text_of`` writes all of it with comments.
"""
