"""A first config for a table: what the table holds, what that suggests, and the YAML text.

1. ``inspection.inspect`` reads the table and says what each column is.
2. ``suggestion.suggest`` chooses task, loss, split, network and epochs by it.
3. ``template.text_of`` writes all of it with comments.
"""
