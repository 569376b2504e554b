"""A real Kubernetes API without containers: kube-apiserver and etcd, built from Go modules and started here."""
