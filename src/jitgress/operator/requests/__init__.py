"""One AccessRequest's life: decided, recorded, opened as a grant, closed, and told in its status."""
