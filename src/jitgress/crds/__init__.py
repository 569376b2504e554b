"""The resources of group jitgress.dev: models, and the YAML generated from them."""
