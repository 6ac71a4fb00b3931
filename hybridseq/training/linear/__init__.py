"""Training of linear models on sparse features: which weights there are, and how each objective finds them."""
