"""prometheus-operator 0.85: Prometheus objects, monitors and rules become a running Prometheus."""
