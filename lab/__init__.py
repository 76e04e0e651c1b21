"""The laboratory: AWS, Kubernetes, PostgreSQL, exporter and Prometheus on this machine."""
