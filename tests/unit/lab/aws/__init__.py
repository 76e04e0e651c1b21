"""The AWS endpoint. A package, so that its fixtures end with it: moto serves one endpoint at a time."""
