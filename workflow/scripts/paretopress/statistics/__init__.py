"""Statistical tests, effect sizes and the claims of the paper."""
