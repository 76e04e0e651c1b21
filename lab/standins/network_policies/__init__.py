"""Stand-in for a network plugin: which connection to a pod the NetworkPolicies admit."""
