"""Scripts as somebody would write them with scikit-learn and pandas to do what one ``bp`` command does."""
