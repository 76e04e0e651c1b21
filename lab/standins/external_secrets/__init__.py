"""External Secrets 0.20 with the AWS Secrets Manager provider."""
