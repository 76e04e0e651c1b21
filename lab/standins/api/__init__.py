"""A client of the Kubernetes API and the loop of a controller: what all stand-ins are made of."""
