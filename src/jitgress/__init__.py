"""Just-in-time access for Kubernetes ingress."""
