"""The whole stack on one machine: control plane, Traefik, HAProxy, sample services."""
