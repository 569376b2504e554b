"""What may be open, for whom, when and why: pure rules without I/O, clock or Kubernetes."""
