"""Students: small networks distilled from a judge, or trained from human priors."""
