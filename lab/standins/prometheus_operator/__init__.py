"""prometheus-operator 0.93: Prometheus objects, monitors and rules become a running Prometheus."""
