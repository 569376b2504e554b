"""The Kubernetes runtime: client, reflector, work queue, timers, leader lease, apply."""
